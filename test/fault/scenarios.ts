import { setTimeout as pause } from 'node:timers/promises';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { counted, type ProxyMode } from '../../src/testing/index.ts';
import { FaultRun } from './fault-run.ts';
import { printFigures } from './figures.ts';
import type { FaultPlace } from './places/place.ts';

const WAYS: readonly (readonly [string, ProxyMode])[] = [
  ['cut', 'rst'],
  ['black-holed', 'blackhole'],
  ['half open', 'half-open'],
];

/** For a machine that has more to do, beside what detection takes by its own settings. */
const TOLERANCE_MS = 1_000;

/** What every broker must bear, as tests; each ends with its row of docs/reliability.md. */
export function itBearsFaults(start: (destination: string) => Promise<FaultPlace>): void {
  printFigures();
  let run: FaultRun;
  beforeEach(async () => {
    run = await FaultRun.open(start);
  });
  afterEach(() => run.close());

  const handledMoreThan = (count: number) =>
    run.until(() => run.handled.size > count, `more than ${count} to be handled`);

  it('loses none of 10,000 events when the broker is killed and restarted, under four consumers in two processes', async () => {
    const { server } = run.place;
    const events = counted(10_000, { keys: 200 });
    const plan = { failEvery: 97, poisonEvery: 499 };
    await Promise.all([run.worker('one', plan), run.worker('two', plan)]);
    const publisher = await run.bus({ publishTimeoutMs: 60_000 });
    const published = run.publishAll(publisher, events);
    await handledMoreThan(events.length / 3);
    await run.fault(async () => {
      await server.kill();
      await server.start();
    });
    await handledMoreThan((events.length * 2) / 3);
    await run.fault(async () => {
      process.kill(server.pid!, 'SIGTERM');
      await run.until(() => server.pid === undefined, 'the broker to end');
      await server.start();
    });
    await published;
    await run.settle('broker killed at 1/3, restarted at 2/3');
    expect(run.confirmed.size).toBe(events.length);
  });

  it('hands on what a killed process had begun', async () => {
    const plan = { handlerMs: 2, failEvery: 97 };
    const [first] = await Promise.all([run.worker('one', plan), run.worker('two', plan)]);
    const published = run.publishAll(await run.bus(), counted(4_000, { keys: 200 }));
    await handledMoreThan(1_500);
    await run.fault(() => first?.kill());
    await run.worker('three', plan);
    await published;
    await run.settle('consumer process killed');
  });

  it('repeats nothing when its consumers are restarted one process after the other', async () => {
    const plan = { handlerMs: 2, failEvery: 97 };
    const old = await Promise.all([run.worker('one', plan), run.worker('two', plan)]);
    const published = run.publishAll(await run.bus(), counted(4_000, { keys: 200 }));
    for (const [index, worker] of old.entries()) {
      await handledMoreThan(1_000 * (index + 1));
      await run.fault(async () => {
        await worker.stop();
        await run.worker(`next-${index}`, plan);
      });
    }
    await published;
    await run.settle('consumers restarted in turn', { handsOver: true });
    expect(run.repeated, 'handled twice').toEqual([]);
  });

  it('keeps the attempts of what is retrying while consumers come and go', async () => {
    const options = { retry: { maxRetries: 3, baseDelayMs: 300, maxDelayMs: 600, jitter: 0 } };
    const plan = { failEvery: 10, options };
    const [first] = await Promise.all([run.worker('one', plan), run.worker('two', plan)]);
    const published = run.publishAll(await run.bus(), counted(2_000, { keys: 400 }));
    await handledMoreThan(400);
    await run.fault(() => run.worker('three', plan));
    await run.fault(() => first?.stop());
    await published;
    await run.settle('rebalance during retries', { handsOver: true });
  });

  it('handles once what takes longer than a session or a lease', async () => {
    const slow = (n: number) => n % 100 === 0;
    const handle = ({ n }: { n: number }) => (slow(n) ? pause(run.place.slowHandlerMs) : undefined);
    await run.consumer('one', handle);
    await run.consumer('two', handle);
    const publisher = await run.bus();
    await run.fault(() => run.publishAll(publisher, counted(300)));
    await run.settle('handler slower than session or lease');
    expect(run.attempts).toHaveLength(300);
  });

  it.each(WAYS)('goes on after its way to the broker was %s, twice', async (what, mode) => {
    const handle = () => pause(1);
    const consumers = [await run.consumer('one', handle), await run.consumer('two', handle)];
    const publisher = await run.bus({ publishTimeoutMs: 60_000 });
    const events = counted(3_000, { keys: 60 });
    const published = run.publishAll(publisher, events);
    const areBack = () => consumers.every(({ state }) => state === 'consuming');
    for (const share of [1 / 4, 1 / 2]) {
      await handledMoreThan(events.length * share);
      await run.fault(async () => {
        const since = performance.now();
        run.proxy.set(mode);
        const took = consumers.map(async (consumer) => {
          await consumer.waitFor((state) => state !== 'consuming');
          return performance.now() - since;
        });
        // What is cut is told at once; anything else has to be found out.
        const limitMs = (mode === 'rst' ? 0 : run.place.noticesWithinMs) + TOLERANCE_MS;
        expect(Math.max(...(await Promise.all(took))), 'ms until the consumers noticed').toBeLessThan(
          limitMs,
        );
        run.proxy.heal();
        await run.until(areBack, 'the consumers to be back');
      });
    }
    await published;
    await run.settle(`way to the broker ${what}`);
  });

  it('goes on when the broker has lost all it held', async () => {
    const consumer = await run.consumer('one', () => pause(50), { concurrency: 64 });
    const publisher = await run.bus();
    await run.publishAll(publisher, counted(50));
    await run.until(() => run.attempts.length === 50, 'all to be begun');
    await run.fault(() => run.place.loseState());
    await run.until(() => run.handled.size === 50, 'what was begun to be handled');
    await run.until(
      () => run.logged.length > 0 && consumer.state === 'consuming',
      'the consumer to notice and go on',
    );
    await run.publishAll(publisher, counted(500, { keys: 50 }));
    await run.settle('state lost');
  });

  it('goes on consuming while the broker stores nothing, and tells the publisher', async () => {
    await run.consumer('one', () => pause(20));
    const publisher = await run.bus({ publishTimeoutMs: 1_500 });
    await run.publishAll(publisher, counted(500, { keys: 50 }));
    const refused = counted(100, { keys: 10 });
    await run.fault(async () => {
      const relent = await run.place.refuseStorage();
      const failure = await run.publish(publisher, refused);
      expect(failure).toMatchObject({ name: 'PublishError', stored: [] });
      await handledMoreThan(499);
      await relent();
    });
    await run.until(async () => (await run.publish(publisher, refused)) === undefined, 'storage');
    await run.settle('publisher refused');
  });
}
