import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, inject, it } from 'vitest';
import { type KafkaServer, startKafkaServer } from '../../../brokers/kafka-server.ts';
import type { KafkaEventBus, KafkaEventBusOptions } from '../../../src/transports/kafka/index.ts';
import { distinct, eventually, Placed, placed, Rig, upTo } from './rig.ts';

const program = inject('kafkaProgram');

/** Half a session is what a member has to end when its group is dealt out anew. */
const session: KafkaEventBusOptions = { sessionTimeoutMs: 2000, heartbeatIntervalMs: 300 };
/** Longer than anything is committed after. */
const A_FEW_COMMITS_MS = 700;

describe.skipIf(program === undefined)('a group of Kafka that is dealt out anew', () => {
  let server: KafkaServer;
  let rig: Rig;
  beforeAll(async () => {
    server = await startKafkaServer(program!, { properties: { 'group.min.session.timeout.ms': '1000' } });
  }, 60_000);
  beforeEach(() => (rig = new Rig(server.url)));
  afterEach(() => rig.close());
  afterAll(() => server.stop());

  const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

  async function committed(): Promise<number[]> {
    const [group] = await rig.admin((admin) => admin.fetchOffsets({ groupId: 'g', topics: [rig.topic] }));
    const partitions = group?.partitions ?? [];
    return partitions.toSorted((a, b) => a.partition - b.partition).map(({ offset }) => Number(offset));
  }

  const settledAll = (bus: KafkaEventBus) =>
    eventually(
      async () => (await bus.getTopicInfo()).lag,
      (lag) => lag === 0,
    );

  it('hands what outlives its time to another member, and hears nothing of it from the first', async () => {
    let release: () => void = () => undefined;
    const released = new Promise<void>((resolve) => (release = resolve));
    const begun: number[] = [];
    const aborted: number[] = [];
    const first = rig.bus({ ...session, consumerGroup: 'g', concurrency: 64 });
    first.subscribe(Placed, async ({ n }, { signal }) => {
      begun.push(n);
      signal.addEventListener('abort', () => aborted.push(n));
      // Deaf to its signal.
      await released;
    });
    await first.startConsumingInBackground();
    await rig.bus().publish(placed(40, 40));
    await eventually(
      () => begun.length,
      (count) => count === 40,
    );
    const seen: number[] = [];
    await rig.consumer(seen, session);
    await eventually(
      () => [seen.length, aborted.length],
      ([others, own]) => others! > 0 && others === own,
    );
    expect(distinct(seen)).toEqual(distinct(aborted));
    await pause(A_FEW_COMMITS_MS);
    const before = await committed();
    release();
    await settledAll(first);
    const after = await committed();
    // A commit of what was taken away would be accepted, and set back what its new owner has committed.
    for (const [partition, offset] of after.entries())
      expect(offset).toBeGreaterThanOrEqual(before[partition]!);
    expect(after.reduce((sum, offset) => sum + offset)).toBe(40);
    expect(first.getStats()).toMatchObject({ abandoned: aborted.length, deadLettered: 0 });
    expect(seen).toHaveLength(aborted.length);
    expect(begun).toHaveLength(40);
  });

  it('waits for no retry, and begins no later event of its key before it', async () => {
    let isMended = false;
    const handled: number[] = [];
    const handle = (n: number) => {
      handled.push(n);
      if (n < 20 && !isMended) throw new Error('broken');
    };
    const patience = { retry: { maxRetries: 50, baseDelayMs: 60_000, maxDelayMs: 60_000 } };
    // With a session so long that waiting for half of it would show.
    const long = { sessionTimeoutMs: 20_000, ...patience };
    const seen: number[] = [];
    const first = await rig.consumer(seen, long, handle);
    // Two of each key, of which the second waits for the first.
    await rig.bus().publish(placed(40, 20));
    await eventually(
      () => handled.length,
      (count) => count === 20,
    );
    isMended = true;
    const before = performance.now();
    await rig.consumer(seen, long, handle);
    await eventually(
      () => seen.length,
      (count) => count === 40,
    );
    expect(performance.now() - before).toBeLessThan(5000);
    expect(seen).toHaveLength(40);
    for (const n of upTo(20)) expect(handled.filter((one) => one % 20 === n)).toEqual([n, n, n + 20]);
    expect(first.getStats()).toMatchObject({ abandoned: 0, deadLettered: 0 });
  });

  it('waits for no attempt after the one that fails meanwhile', async () => {
    let begun = 0;
    const seen: number[] = [];
    const retry = { maxRetries: 50, baseDelayMs: 60_000, maxDelayMs: 60_000 };
    const long = { sessionTimeoutMs: 20_000, concurrency: 64, retry };
    const first = await rig.consumer(seen, long, async () => {
      if (++begun > 20) return;
      await pause(1500);
      throw new Error('broken');
    });
    await rig.bus().publish(placed(20, 20));
    await eventually(
      () => begun,
      (count) => count === 20,
    );
    const before = performance.now();
    await rig.consumer(seen, long);
    await eventually(
      () => distinct(seen).length,
      (count) => count === 20,
    );
    expect(performance.now() - before).toBeLessThan(6000);
    expect(first.getStats()).toMatchObject({ abandoned: 0, retries: 0 });
  });

  it('keeps one dead letter of what could not be stored while it changed hands', async () => {
    const broken = () => {
      throw new Error('broken');
    };
    const options = { ...session, maxRetries: 0 };
    const first = await rig.consumer([], options, broken);
    const limit = (value: string) =>
      rig.admin((admin) =>
        admin.alterConfigs({
          validateOnly: false,
          resources: [
            { type: 2, name: `${rig.topic}.dlq`, configEntries: [{ name: 'max.message.bytes', value }] },
          ],
        }),
      );
    await limit('1');
    await rig.bus().publish(placed(20, 20));
    await eventually(
      () => first.healthCheck(),
      ({ status }) => status === 'degraded',
    );
    const second = await rig.consumer([], options, broken);
    expect(await first.deadLetters.count()).toBe(0);
    expect((await committed()).filter((offset) => offset > 0)).toEqual([]);
    await limit('1100000');
    await settledAll(second);
    const letters = await first.deadLetters.list();
    expect(letters).toHaveLength(20);
    expect(new Set(letters.map(({ eventId }) => eventId)).size).toBe(20);
    await eventually(
      async () => (await first.healthCheck()).status,
      (status) => status === 'healthy',
    );
  });

  it('leaves a partition that came back alone, whatever an earlier handling of it says', async () => {
    const [held, heldAgain] = [gate(), gate()];
    const runs: string[] = [];
    const one: KafkaEventBusOptions = { ...session, createTopics: { partitions: 1, replicationFactor: 1 } };
    const first = rig.bus({ ...one, consumerGroup: 'g', consumerName: 'z' });
    let begun = 0;
    first.subscribe(Placed, async ({ n }) => {
      runs.push(`first ${n}`);
      if (n === 0) await (++begun === 1 ? held : heldAgain).promise;
    });
    await first.startConsumingInBackground();
    await rig.bus(one).publish(placed(3, 3));
    await eventually(
      () => runs.length,
      (count) => count === 3,
    );
    // Members have their partitions in the order of their names: of two the first has the one with the events.
    const second = rig.bus({ ...one, consumerGroup: 'g', consumerName: 'a' });
    second.subscribe(Placed, async ({ n }, { signal }) => {
      runs.push(`second ${n}`);
      await new Promise((resolve) => signal.addEventListener('abort', resolve));
    });
    await second.startConsumingInBackground();
    await eventually(
      () => runs,
      (all) => all.includes('second 0'),
    );
    expect(first.getStats().abandoned).toBe(1);
    await second.shutdown({ timeoutMs: 0 });
    await rig.bus(one).publish(placed(1, 1, 3));
    await eventually(
      async () => (await first.getTopicInfo()).unsettledHere,
      (count) => count === 2,
    );
    held.open();
    await eventually(
      () => begun,
      (count) => count === 2,
    );
    await pause(A_FEW_COMMITS_MS);
    expect(await committed()).toEqual([0]);
    heldAgain.open();
    await settledAll(first);
    expect(await committed()).toEqual([4]);
    // The others were done before, and were not done again.
    expect(runs.toSorted()).toEqual(['first 0', 'first 0', 'first 1', 'first 2', 'first 3', 'second 0']);
  });
});

function gate(): { readonly promise: Promise<void>; open(): void } {
  let open: () => void = () => undefined;
  const promise = new Promise<void>((resolve) => (open = resolve));
  return { promise, open: () => open() };
}
