import { setTimeout as pause } from 'node:timers/promises';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { counted } from '../../src/testing/index.ts';
import type { Worker } from '../support/worker.ts';
import { FaultRun } from './fault-run.ts';
import type { FaultPlace } from './places/place.ts';

const STOOD_STILL = /^This process did nothing for \d{4,5} ms/;

const standstills = [
  {
    name: 'consumer process frozen',
    stop({ pid }: Worker) {
      process.kill(pid, 'SIGSTOP');
      return () => void process.kill(pid, 'SIGCONT');
    },
  },
  { name: 'event loop of a consumer blocked', stop: (worker: Worker) => worker.block() },
];

/** What every broker must bear of the processes of its consumers, as tests; each ends with its row of docs/reliability.md. */
export function itBearsItsProcesses(start: (destination: string) => Promise<FaultPlace>): void {
  let run: FaultRun;
  beforeEach(async () => {
    run = await FaultRun.open(start);
  });
  afterEach(() => run.close());

  it.each(standstills)(
    'takes nothing back from those who took over, and consumes again, when it goes on: $name',
    async ({ name, stop }) => {
      // Nothing is retried, so that what fails once it goes on would be a dead letter at once.
      const options = { retry: { maxRetries: 0 } };
      const plan = { buses: 1, handlerMs: 300, poisonEvery: 3, options };
      const workers = await Promise.all([run.worker('one', plan), run.worker('two', plan)]);
      const publisher = await run.bus({ consumerGroup: run.place.group });
      await run.publishAll(publisher, counted(150, { keys: 50 }));
      const poisonous = 50;
      const letters = async () => (await publisher.deadLetters.list()).map(({ id }) => id).toSorted();
      // Whoever asks first may be given almost all.
      const busy = () => workers.find(({ inFlight }) => inFlight > 4);
      await run.until(() => run.attempts.length > 30 && busy() !== undefined, 'one to have much in hand');
      const still = busy();
      let storedAgain = 0;
      await run.fault(async () => {
        const goOn = await stop(still!);
        // Once the other has taken over, the broker holds nothing any more of what this one has in hand.
        const inHand = await (await run.place.beforeFault())({ begun: run.handled, consumers: 0 });
        if (typeof inHand !== 'number') run.noteAtRisk(inHand);
        const until = performance.now() + 2 * run.place.givesUpAfterMs;
        await run.until(async () => (await run.place.unsettled()) === 0, 'the other to take over');
        await pause(Math.max(0, until - performance.now()));
        const before = await letters();
        // One that it had stored and not acknowledged yet is stored again by whoever took over, under the same id.
        expect(new Set(before).size).toBe(poisonous);
        storedAgain = before.length - poisonous;
        goOn();
        await run.until(() => still!.inFlight === 0, 'its handlers to end');
        await pause(500);
        expect(await letters(), 'dead letters').toEqual(before);
        expect(await run.place.unsettled(), 'given back or taken back').toBe(0);
      });
      expect(storedAgain).toBeLessThanOrEqual(run.place.foldsDeadLetters ? 0 : run.inFlight);
      const handledBefore = still!.handled.length;
      await run.publishAll(publisher, counted(200, { keys: 100 }));
      await run.until(() => still!.handled.length > handledBefore, 'it to consume again');
      await run.settle(name);
      expect(run.warned.filter((line) => STOOD_STILL.test(line))).toHaveLength(1);
    },
  );

  it('sets aside what ends its process each time, and no neighbour of it', async ({ skip }) => {
    if (!run.place.countsDeliveries) skip('It counts no deliveries.');
    const maxDeliveries = 4;
    const plan = { buses: 1, handlerMs: 20, exitAt: 50, options: { maxDeliveries } };
    let worker = await run.worker('one', { ...plan, consumerName: 'one' });
    const events = counted(100, { keys: 50 });
    const publisher = await run.bus({ consumerGroup: run.place.group });
    await publisher.connect();
    await run.publishAll(publisher, events);
    const isSetAside = async () => (await run.place.deadLettered()).size > 0;
    for (let deaths = 1; ; deaths++) {
      const isOver = await run.faultBegins();
      await run.until(async () => worker.hasEnded || (await isSetAside()), 'it to be handled');
      if (!worker.hasEnded) break;
      expect(deaths).toBeLessThanOrEqual(maxDeliveries);
      worker = await run.worker(`one again, ${deaths}`, { ...plan, consumerName: 'one' });
      await isOver();
    }
    await run.settle('event that ends its process');
    const killer = events[50]!.eventId;
    const letters = await publisher.deadLetters.list();
    expect(letters).toMatchObject([{ eventId: killer, reason: 'too-many-deliveries' }]);
    expect([...run.handled].toSorted()).toEqual(
      events
        .map(({ eventId }) => eventId)
        .filter((id) => id !== killer)
        .toSorted(),
    );
    const late = run.attempts.filter(({ id, deliveryCount = 0 }) => id === killer && deliveryCount >= 3);
    expect(late.length, 'deliveries from the third on').toBe(maxDeliveries - 2);
    const beside = run.attempts.filter(
      ({ id, outcome, consumer }) =>
        id !== killer && outcome === 'running' && late.some((attempt) => attempt.consumer === consumer),
    );
    expect(beside, 'neighbours that died with it from its third delivery on').toEqual([]);
  });

  it('sets it aside where others take over what it had, and at most one neighbour for each of them', async ({
    skip,
  }) => {
    if (!run.place.countsDeliveries) skip('It counts no deliveries.');
    const maxDeliveries = 4;
    const plan = { buses: 1, handlerMs: 20, exitAt: 50, options: { maxDeliveries } };
    const names = ['one', 'two'] as const;
    const start = (name: string, life: number) =>
      run.worker(`${name}, ${life}`, { ...plan, consumerName: name });
    const workers = await Promise.all(names.map((name) => start(name, 0)));
    const lives = names.map(() => 0);
    const events = counted(200, { keys: 50 });
    const publisher = await run.bus({ consumerGroup: run.place.group });
    await publisher.connect();
    await run.publishAll(publisher, events);
    const isOver = await run.faultBegins();
    const killer = events[50]!.eventId;
    let deaths = 0;
    await run.until(async () => {
      const dead = workers.findIndex(({ hasEnded }) => hasEnded);
      if (dead !== -1) {
        const of = ` in ${names[dead]}, ${lives[dead]}`;
        const begun = run.attempts.filter(({ consumer }) => consumer.endsWith(of)).map(({ id }) => id);
        // Eight at once, and acknowledgements that had not left when it died.
        run.noteAtRisk(begun.slice(-16));
        workers[dead] = await start(names[dead]!, ++lives[dead]!);
        deaths++;
      }
      return (await run.place.deadLettered()).has(killer) && (await run.place.unsettled()) === 0;
    }, 'it to be set aside');
    await isOver(deaths);
    expect(deaths).toBe(maxDeliveries);
    await run.settle('event that ends its process, among two');
    const aside = await run.place.deadLettered();
    expect(aside.size).toBeLessThanOrEqual(names.length);
    expect(run.handled.size).toBe(events.length - aside.size);
  });
}
