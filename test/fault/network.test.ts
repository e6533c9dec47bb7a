import { setTimeout as pause } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, inject, it } from 'vitest';
import { counted, type ProxyMode } from '../../src/testing/index.ts';
import { FaultRun } from './fault-run.ts';
import { printFigures } from './figures.ts';
import { redisPlace, type RedisPlace } from './places/redis.ts';

const redisBinary = inject('redisServer');

describe.skipIf(redisBinary === undefined)('a broken way to redis', { timeout: 120_000 }, () => {
  printFigures();
  let run: FaultRun<RedisPlace>;
  beforeEach(async () => {
    run = await FaultRun.open((destination) => redisPlace(redisBinary!, destination));
  });
  afterEach(() => run.close());

  const modes: readonly (readonly [string, ProxyMode])[] = [
    ['cut', 'rst'],
    ['black-holed', 'blackhole'],
    ['half open', 'half-open'],
  ];
  it.each(modes)('is noticed and repaired when it is %s, and costs no event', async (what, mode) => {
    const handle = () => pause(1);
    const consumers = [await run.consumer('one', handle), await run.consumer('two', handle)];
    const publisher = await run.bus();
    const events = counted(3_000, { keys: 60 });
    const published = run.publishAll(publisher, events);
    for (const share of [1 / 4, 1 / 2]) {
      await run.until(() => run.handled.size > events.length * share, `${share} to be handled`);
      await run.fault(async () => {
        run.proxy.set(mode);
        await run.until(
          () => consumers.every((consumer) => consumer.state === 'retrying'),
          'the consumers to notice',
        );
      });
      run.proxy.heal();
      await run.until(
        () => consumers.every((consumer) => consumer.state === 'consuming'),
        'the consumers to be back',
      );
    }
    await published;
    await run.settle(`connection ${what}`);
    expect(run.confirmed.size).toBe(events.length);
    for (const consumer of consumers) expect(consumer.getStats().reconnections).toBeGreaterThanOrEqual(2);
  });

  it('leaves a publisher in doubt, who is told of which events, and may send them again', async () => {
    await run.worker('one');
    const publisher = await run.bus({ publishTimeoutMs: 1_500 });
    await run.publishAll(publisher, counted(100));
    const doubtful = counted(50, { keys: 5 });
    let failure: Awaited<ReturnType<FaultRun['publish']>>;
    await run.fault(async () => {
      run.proxy.set('half-open');
      failure = await run.publish(publisher, doubtful);
    });
    expect(failure).toMatchObject({ name: 'PublishError', stored: [], unsent: [] });
    expect(failure?.unknown.toSorted()).toEqual(doubtful.map(({ eventId }) => eventId).toSorted());
    run.proxy.heal();
    expect(await run.publish(publisher, doubtful)).toBeUndefined();
    await run.settle('publisher in doubt');
  });

  it('keeps nothing waiting that never went out: it is reported as unsent', async () => {
    const publisher = await run.bus({ publishTimeoutMs: 1_000 });
    await publisher.connect();
    await run.fault(async () => {
      run.proxy.set('rst');
      await publisher.waitFor('retrying');
    });
    const events = counted(10);
    const failure = await run.publish(publisher, events);
    expect(failure?.unsent.toSorted()).toEqual(events.map(({ eventId }) => eventId).toSorted());
    run.proxy.heal();
    await run.consumer('one');
    await run.settle('publisher cut off');
    expect(run.handled.size).toBe(0);
  });
});
