import { describe, expect, it } from 'vitest';
import { gate, ping, Pinged, settle } from '../../support/memory-bus.ts';
import { scriptedBus } from '../../support/scripted-broker.ts';

describe('a drain whose settlements are not stored when its time is up', () => {
  it('says so, of stopConsuming and of shutdown, though nothing is open any more', async () => {
    for (const how of ['stopConsuming', 'shutdown'] as const) {
      const running = gate();
      const { bus, broker, clock } = await scriptedBus(
        (made) => made.subscribe(Pinged, () => running.promise),
        { shutdownTimeoutMs: 1000 },
      );
      broker.deliver(ping());
      await settle(clock);
      broker.ends.leave = () => gate().promise;
      const stopped = bus[how]();
      running.open();
      await clock.advance(1000);
      expect(await stopped, how).toMatchObject({ settled: 1, released: 0, aborted: 0, timedOut: true });
    }
  });

  it('is not what the next drain of the same bus tells of', async () => {
    const { bus, broker, clock } = await scriptedBus((made) => made.subscribe(Pinged, () => undefined), {
      shutdownTimeoutMs: 1000,
    });
    broker.ends.leave = () => gate().promise;
    const first = bus.stopConsuming();
    await clock.advance(1000);
    expect(await first).toMatchObject({ timedOut: true });
    broker.ends.leave = () => Promise.resolve();
    await bus.startConsumingInBackground();
    expect(await bus.stopConsuming()).toMatchObject({ settled: 0, aborted: 0, timedOut: false });
  });
});
