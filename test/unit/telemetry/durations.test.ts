import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { gate, ping, Pinged, settle } from '../../support/memory-bus.ts';
import { kafkaesqueBus } from '../../support/kafkaesque-bus.ts';
import { recordMetrics } from '../../support/recorded-telemetry.ts';

/** Time passes for what is measured only when the test says so. */
function measuredTime() {
  let now = 1_000_000;
  const spied = vi.spyOn(performance, 'now').mockImplementation(() => now);
  onTestFinished(() => spied.mockRestore());
  return { pass: (ms: number) => void (now += ms) };
}

describe('what took 1.5 s to publish, waited 4 s and was handled for 2 s', () => {
  it("is measured in seconds, and in milliseconds under eventsource-py's names", async () => {
    const { collect, descriptors } = recordMetrics();
    const time = measuredTime();
    const { bus, broker, clock } = kafkaesqueBus({ ordering: 'key' });
    const first = gate();
    const second = gate();
    bus.subscribe(Pinged, ({ n }) => (n === 1 ? first : second).promise);
    await bus.startConsumingInBackground();

    const stored = gate();
    broker.answering = stored.promise;
    const published = bus.publish(ping());
    await settle(clock);
    time.pass(1500);
    stored.open();
    await published;

    // The second waits behind the first, which has its key.
    for (const n of [1, 2]) broker.deliver(ping(n));
    await settle(clock);
    time.pass(4000);
    first.open();
    await settle(clock);
    time.pass(2000);
    second.open();
    await settle(clock);

    const points = await collect();
    const unitOf = (name: string) => descriptors().find((descriptor) => descriptor.name === name)?.unit;
    const measured = (name: string) => [points.get(name)?.[0]?.sum, unitOf(name)];
    expect(measured('messaging.client.operation.duration')).toEqual([1.5, 's']);
    expect(measured('buschart.lane.wait')).toEqual([4, 's']);
    expect(measured('messaging.process.duration')).toEqual([4 + 2, 's']);
    expect(measured('kafka.eventbus.publish.duration')).toEqual([1500, 'ms']);
    expect(measured('kafka.eventbus.handler.duration')).toEqual([4000 + 2000, 'ms']);
    // From its arrival to its end, so what it waited counts.
    expect(measured('kafka.eventbus.consume.duration')).toEqual([4000 + 6000, 'ms']);
  });
});
