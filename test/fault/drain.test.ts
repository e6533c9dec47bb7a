import { setTimeout as pause } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, inject, it } from 'vitest';
import { counted } from '../../src/testing/index.ts';
import { FaultRun } from './fault-run.ts';
import { printFigures } from './figures.ts';
import { redisPlace, type RedisPlace } from './places/redis.ts';

const redisBinary = inject('redisServer');

describe.skipIf(redisBinary === undefined)('draining on redis', { timeout: 60_000 }, () => {
  printFigures();
  let run: FaultRun<RedisPlace>;
  beforeEach(async () => {
    run = await FaultRun.open((destination) => redisPlace(redisBinary!, destination));
  });
  afterEach(() => run.close());

  it('longer than the handlers ends them all, and the next consumer repeats none', async () => {
    const first = await run.consumer('one', () => pause(200), { concurrency: 10 });
    await run.publishAll(await run.bus(), counted(100, { keys: 50 }));
    await run.until(() => run.recorder.running === 10, 'ten handlers to run');
    const report = await first.shutdown({ timeoutMs: 10_000 });
    expect(report).toMatchObject({ settled: 10, aborted: 0, unpublished: 0, timedOut: false });
    expect(report.released).toBeGreaterThan(0);
    const handledBy = performance.now();
    await run.consumer('two');
    await run.settle('drain longer than the handlers');
    // What was released need not wait until a lease ends.
    expect(performance.now() - handledBy).toBeLessThan(1_500);
  });

  it('shorter than the handlers aborts them in time, and the next of its name has at once what they had', async () => {
    const reasons: string[] = [];
    const first = await run.consumer(
      'one',
      (_event, { signal }) =>
        pause(60_000, undefined, { signal }).catch((error: Error) => {
          reasons.push(error.name);
          throw error;
        }),
      // No lease ends within this test: what was aborted is handed on because the process says that it is gone.
      { concurrency: 10, pendingIdleMs: 60_000 },
    );
    await run.publishAll(await run.bus(), counted(100, { keys: 50 }));
    await run.until(() => run.recorder.running === 10, 'ten handlers to run');
    const begunAt = performance.now();
    const report = await first.shutdown({ timeoutMs: 300 });
    expect(performance.now() - begunAt).toBeLessThan(2_300);
    expect(report).toMatchObject({ settled: 0, aborted: 10, timedOut: true });
    expect(reasons).toEqual(Array.from({ length: 10 }, () => 'AbortError'));
    const stoppedAt = performance.now();
    await run.consumer('one', undefined, { pendingIdleMs: 60_000 });
    await run.settle('drain shorter than the handlers');
    expect(performance.now() - stoppedAt).toBeLessThan(5_000);
  });
});
