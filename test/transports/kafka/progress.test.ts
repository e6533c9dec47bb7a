import { afterEach, beforeEach, describe, expect, inject, it } from 'vitest';
import { eventually, Placed, placed, Rig } from './rig.ts';

const servers = inject('kafkaServers');

describe.skipIf(servers === undefined)('handlers that take long, on Kafka', () => {
  let rig: Rig;
  beforeEach(() => (rig = new Rig(servers!)));
  afterEach(() => rig.close());

  it('handles once what takes longer than a session, while another partition goes on', async () => {
    const seen: number[] = [];
    const options = { sessionTimeoutMs: 6000, heartbeatIntervalMs: 500 };
    await rig.consumer(seen, options, (n) =>
      n === 0 ? new Promise((resolve) => setTimeout(resolve, 8000)) : undefined,
    );
    await rig.bus().publish(placed(400, 40));
    // Nine more of the key wait behind it.
    await eventually(
      () => seen.length,
      (count) => count === 390,
      5000,
    );
    await eventually(
      () => seen.length,
      (count) => count === 400,
    );
    expect(seen.filter((n) => n === 0)).toHaveLength(1);
  });

  it('takes what makes no progress away from its member, and the signal of the handler aborts', async () => {
    const aborted: number[] = [];
    const bus = rig.bus({ consumerGroup: 'g', maxPollIntervalMs: 1000, abortGraceMs: 100 });
    let runs = 0;
    bus.subscribe(Placed, async ({ n }, { signal }) => {
      if (++runs > 1) return;
      await new Promise<void>((resolve) => {
        signal.addEventListener('abort', () => {
          aborted.push(n);
          resolve();
        });
      });
    });
    await bus.startConsumingInBackground();
    await rig.bus().publish(placed(1));
    await eventually(
      () => runs,
      (count) => count === 2,
    );
    expect(aborted).toEqual([0]);
    expect(bus.getStats().abandoned).toBe(1);
  });

  it('keeps what waits longer for its next attempt than maxPollIntervalMs, and counts its attempts', async () => {
    const attempts: number[] = [];
    const retry = { maxRetries: 2, baseDelayMs: 2500, maxDelayMs: 2500, jitter: 0 };
    const bus = rig.bus({ consumerGroup: 'g', maxPollIntervalMs: 1000, retry });
    bus.subscribe(Placed, (_, { attempt }) => {
      attempts.push(attempt);
      throw new Error('never');
    });
    await bus.startConsumingInBackground();
    await rig.bus().publish(placed(1));
    await eventually(
      () => bus.deadLetters.count(),
      (count) => count === 1,
    );
    expect(attempts).toEqual([1, 2, 3]);
  });

  it('counts what runs out of its time as an attempt, not as a member that hangs', async () => {
    const attempts: number[] = [];
    const retry = { maxRetries: 1, baseDelayMs: 10 };
    const bus = rig.bus({ consumerGroup: 'g', maxPollIntervalMs: 3000, abortGraceMs: 100, retry });
    const hang = (_: unknown, { attempt }: { readonly attempt: number }) => {
      attempts.push(attempt);
      return new Promise(() => undefined);
    };
    bus.subscribe(Placed, hang, { timeoutMs: 1000 });
    await bus.startConsumingInBackground();
    await rig.bus().publish(placed(1));
    await eventually(
      () => bus.deadLetters.count(),
      (count) => count === 1,
    );
    expect(attempts).toEqual([1, 2]);
  });
});
