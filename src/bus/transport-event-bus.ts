import type { Transport } from '../contracts/transport.ts';
import { ConfigurationError } from '../errors.ts';
import { StatechartEventBus } from './event-bus.ts';
import { BROKER_DEFAULTS, busOptionsSchema, busSettings, parseOptions, type BusOptions } from './options.ts';

/**
 * A bus over any transport, with the defaults of those on a broker: three retries, order per key, and a `consumerGroup`
 * is needed to consume. A class of one's own may extend it, to take the transport's options beside those of the bus.
 */
export class TransportEventBus extends StatechartEventBus {
  /** @throws {ConfigurationError} naming every wrong option, and `maxDeliveries` where the broker counts no deliveries. */
  constructor(transport: Transport, options: BusOptions = {}) {
    const settings = busSettings(
      parseOptions(busOptionsSchema, options, 'TransportEventBus'),
      BROKER_DEFAULTS,
    );
    const { name, capabilities, destination, bindsTypes = false } = transport;
    if (options.maxDeliveries !== undefined && !capabilities.deliveryCount)
      throw new ConfigurationError(`maxDeliveries is not for ${name}, which counts no deliveries.`);
    super(settings, {
      transport,
      capabilities,
      destination,
      isStoredOnceSent: false,
      canRelease: true,
      bindsTypes,
    });
  }
}
