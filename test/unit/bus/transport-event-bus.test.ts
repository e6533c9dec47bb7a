import { expect, it } from 'vitest';
import { ConfigurationError } from '../../../src/index.ts';
import { TransportEventBus, type Transport } from '../../../src/transport.ts';
import { gate, Pinged, registry } from '../../support/memory-bus.ts';
import { ScriptedBroker } from '../../support/scripted-broker.ts';

it('is a bus with what its transport can do, and where that goes', () => {
  const { transport } = new ScriptedBroker();
  const bus = new TransportEventBus(transport);
  expect(bus.capabilities).toBe(transport.capabilities);
  expect(bus.state).toBe('idle');
});

it('refuses options that there are none of, and a limit of deliveries where none are counted', () => {
  const { transport } = new ScriptedBroker();
  const make = (options: object) => () => new TransportEventBus(transport, options);
  expect(make({ folder: '/tmp' })).toThrow(/TransportEventBus: folder: no such option/);
  expect(make({ maxDeliveries: 5 })).toThrow(ConfigurationError);
  const counting: Transport = {
    ...transport,
    capabilities: { ...transport.capabilities, deliveryCount: true },
  };
  expect(new TransportEventBus(counting, { maxDeliveries: 5 }).state).toBe('idle');
});

it('tells that a subscription stands once its type is bound, where types are bound', async () => {
  for (const bindsTypes of [true, false]) {
    const broker = new ScriptedBroker();
    const binding = gate();
    broker.binding = binding.promise;
    await using bus = new TransportEventBus(
      { ...broker.transport, bindsTypes },
      {
        registry,
        consumerGroup: 'workers',
      },
    );
    await bus.startConsumingInBackground();
    let isReady = false;
    const ready = bus.subscribe(Pinged, () => undefined).ready.then(() => (isReady = true));
    await expect.poll(() => broker.asked).toContain('want Ball.Pinged');
    expect(isReady).toBe(!bindsTypes);
    binding.open();
    await ready;
  }
});
