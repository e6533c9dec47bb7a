import { setTimeout as pause } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, inject, it } from 'vitest';
import { Counted, counted } from '../../src/testing/index.ts';
import { FaultRun } from './fault-run.ts';
import { printFigures } from './figures.ts';
import { redisPlace, type RedisPlace } from './places/redis.ts';

const redisBinary = inject('redisServer');

describe.skipIf(redisBinary === undefined)('a redis that forgets or refuses', { timeout: 60_000 }, () => {
  printFigures();
  let run: FaultRun<RedisPlace>;
  beforeEach(async () => {
    run = await FaultRun.open((destination) => redisPlace(redisBinary!, destination));
  });
  afterEach(() => run.close());

  it('may forget everything while events are handled: the group is made again and consumption goes on', async () => {
    let end: () => void = () => undefined;
    const ended = new Promise<void>((resolve) => (end = resolve));
    const consumer = await run.consumer('one', () => ended, { concurrency: 64 });
    const publisher = await run.bus();
    await run.publishAll(publisher, counted(50, { keys: 50 }));
    // All of them: what nobody was handed yet is gone with the rest.
    await run.until(() => run.recorder.running === 50, 'handlers to run');
    await run.fault(() => run.place.redis.flushall());
    end();
    await run.until(() => run.handled.size === 50, 'what was handed out to be handled');
    await run.publishAll(publisher, counted(500, { keys: 50 }));
    await run.settle('FLUSHALL');
    expect(consumer.state).toBe('consuming');
    expect(run.logged.join('\n')).toMatch(/group/);
  });

  it.each([
    ['is of a wrong type', 'wrong-type'],
    ['has no room', 'maxmemory'],
  ])('acknowledges nothing while the dead-letter stream %s, and stores it all afterwards', async (_, how) => {
    const deadLetters = run.place.view.deadLetterStream;
    const consumer = await run.consumer(
      'one',
      (event) => {
        if (event.text === 'poison') throw new Error('never');
      },
      { retry: { maxRetries: 1 } },
    );
    const publisher = await run.bus();
    const poison = Array.from({ length: 20 }, (_, n) =>
      Counted({ aggregateId: `poison-${n % 5}`, n, text: 'poison' }),
    );
    // Both lists are stored before the server is out of memory.
    consumer.pause();
    await run.publishAll(publisher, poison);
    const healthy = counted(200, { keys: 20 });
    await run.publishAll(publisher, healthy);
    await run.fault(async () => {
      if (how === 'wrong-type') await run.place.redis.set(deadLetters, 'in the way');
      else await run.place.redis.config('SET', 'maxmemory', '1');
    });
    consumer.resume();
    await run.until(() => run.handled.size === healthy.length, 'the others to be handled');
    await run.until(
      async () => (await consumer.healthCheck()).reasons.join().includes('a dead letter cannot be stored'),
      'the bus to say so',
    );
    // The first of each lane waits for its dead letter, the others wait behind it: nothing is settled.
    await run.until(
      async () => (await run.place.view.pending()) === poison.length,
      'the others to be settled',
    );
    const attempts = run.attempts.length;
    await pause(300);
    expect(await run.place.view.pending()).toBe(poison.length);
    expect(run.attempts).toHaveLength(attempts);
    if (how === 'wrong-type') await run.place.redis.del(deadLetters);
    else await run.place.redis.config('SET', 'maxmemory', '0');
    await run.until(
      async () => (await run.place.redis.xlen(deadLetters)) === poison.length,
      'the dead letters',
    );
    await run.settle(`dead-letter stream: ${how}`);
    expect(await consumer.healthCheck()).toMatchObject({ status: 'healthy' });
    expect(consumer.getStats()).toMatchObject({ deadLettered: poison.length, dropped: 0 });
  });
});
