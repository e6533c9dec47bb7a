import { onTestFinished } from 'vitest';
import { StatechartEventBus } from '../../src/bus/event-bus.ts';
import { BROKER_DEFAULTS, busSettings, type BusOptions } from '../../src/bus/options.ts';
import { registry } from './memory-bus.ts';
import { idleBus } from './scripted-broker.ts';

/** A bus at a scripted broker that measures under eventsource-py's names, too; it lags 9 behind in partition 3. */
export function kafkaesqueBus(options: BusOptions = {}) {
  const { broker, clock, logger } = idleBus();
  const { transport } = broker;
  class Kafkaesque extends StatechartEventBus {
    constructor() {
      const settings = { registry, clock, logger, consumerGroup: 'g', maxRetries: 0, ...options };
      super(busSettings(settings, BROKER_DEFAULTS), {
        transport,
        capabilities: transport.capabilities,
        destination: 'events.stream',
        isStoredOnceSent: false,
        canRelease: true,
        partitionLags: () => Promise.resolve([{ topic: 'events.stream', partition: 3, lag: 9 }]),
      });
    }
  }
  const bus = new Kafkaesque();
  onTestFinished(async () => {
    const stopped = bus.shutdown({ timeoutMs: 0 });
    await clock.advance(5000);
    await stopped;
  });
  return { bus, broker, clock, logger };
}
