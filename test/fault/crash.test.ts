import { afterEach, beforeEach, describe, expect, inject, it } from 'vitest';
import { counted } from '../../src/testing/index.ts';
import { FaultRun } from './fault-run.ts';
import { printFigures } from './figures.ts';
import { redisPlace, type RedisPlace } from './places/redis.ts';

const redisBinary = inject('redisServer');

describe.skipIf(redisBinary === undefined)('crashes, on redis', { timeout: 120_000 }, () => {
  printFigures();
  let run: FaultRun<RedisPlace>;
  beforeEach(async () => {
    run = await FaultRun.open((destination) => redisPlace(redisBinary!, destination));
  });
  afterEach(() => run.close());

  it('loses none of 10,000 events when Redis is killed twice, under four consumers in two processes', async () => {
    const events = counted(10_000, { keys: 200 });
    await Promise.all([run.worker('one', { failEvery: 97 }), run.worker('two', { failEvery: 97 })]);
    const publisher = await run.bus();
    const published = run.publishAll(publisher, events);
    for (const share of [1 / 3, 1 / 2]) {
      await run.until(() => run.handled.size > events.length * share, `${share} to be handled`);
      await run.fault(async () => {
        await run.place.server.kill();
        await run.until(() => publisher.state === 'retrying', 'the publisher to notice');
        await run.place.server.start();
      });
    }
    await published;
    await run.settle('Redis killed and restarted');
    expect(run.confirmed.size).toBe(10_000);
    expect(publisher.getStats().reconnections).toBeGreaterThanOrEqual(2);
  });

  it('hands on what a killed process had begun, to those that live and to its successor', async () => {
    const events = counted(4_000, { keys: 200 });
    const [first] = await Promise.all([
      run.worker('one', { handlerMs: 2, failEvery: 97 }),
      run.worker('two', { handlerMs: 2, failEvery: 97 }),
    ]);
    const publisher = await run.bus();
    const published = run.publishAll(publisher, events);
    await run.until(() => run.handled.size > 1_500, 'a third to be handled');
    await run.fault(async () => {
      expect(first?.inFlight).toBeGreaterThan(0);
      await first?.kill();
    });
    const successor = await run.worker('three', { handlerMs: 2, consumerName: 'one' });
    await published;
    // However fast the first ones were handled, these find the successor at work.
    await run.publishAll(publisher, counted(2_000, { keys: 200 }));
    await run.settle('consumer process killed');
    expect(successor.handled.length).toBeGreaterThan(0);
  });

  it('begins with more than a window of what its dead namesakes had', async () => {
    const stuck = { buses: 1, consumerName: 'same', handlerMs: 600_000, options: { concurrency: 200 } };
    const dead = await Promise.all([run.worker('one', stuck), run.worker('two', stuck)]);
    await run.publishAll(await run.bus(), counted(400));
    await run.until(() => run.attempts.length === 400, 'two windows to be begun');
    await run.fault(() => Promise.all(dead.map((worker) => worker.kill())));
    await run.until(
      async () => (await run.place.redis.keys(`${run.place.at.destination}:hb:*`)).length === 0,
      'their signs of life to expire',
    );
    await run.consumer('same-0', undefined, { pendingIdleMs: 60_000 });
    await run.settle('namesakes killed');
  });

  it('goes on when both die: Redis and, while it is away, a process', async () => {
    const events = counted(3_000, { keys: 100 });
    const [first] = await Promise.all([
      run.worker('one', { handlerMs: 2 }),
      run.worker('two', { handlerMs: 2 }),
    ]);
    const published = run.publishAll(await run.bus(), events);
    await run.until(() => run.handled.size > 1_000, 'a third to be handled');
    await run.fault(async () => {
      await run.place.server.kill();
      await first?.kill();
      await run.place.server.start();
    });
    await published;
    await run.settle('Redis and a process killed');
  });
});
