import { z } from 'zod';
import type { BusInfo } from '../../bus/api.ts';
import { StatechartEventBus } from '../../bus/event-bus.ts';
import { busOptionsSchema, busSettings, parseOptions } from '../../bus/options.ts';
import type { DeadLetterStore, StoredDeadLetter } from '../../contracts/transport.ts';
import type { Headers } from '../../contracts/message.ts';
import { MemoryBroker } from './broker.ts';
import { MEMORY_CAPABILITIES, MemoryTransport } from './transport.ts';

export { MemoryBroker, type MemoryBrokerOptions } from './broker.ts';

const optionsSchema = busOptionsSchema.extend({
  /** Shared by several buses of this process, as a real broker is; by default each bus is alone. */
  broker: z
    .custom<MemoryBroker>((value) => value instanceof MemoryBroker, 'must be a MemoryBroker')
    .optional(),
  /** Dead letters kept; the oldest goes first and counts as dropped (1000). With `broker` that broker's holds. */
  maxDeadLetters: z.int().min(1).optional(),
});

/** Those of every bus, plus `broker` and `maxDeadLetters`. */
export type InMemoryEventBusOptions = z.input<typeof optionsSchema>;

/**
 * A bus within one process, for development, tests and programs that need no broker. It needs no connect(), and
 * consumes from its construction; after `stopConsuming()` events wait, and an awaited publish with them, until
 * `startConsuming()`. By default `publish` settles when the handlers have run once (`maxRetries` is 0),
 * and separate publishes are independent of each other. With `ordering: 'key'`, or a `broker` to share, it works as on
 * a broker: one lane for each aggregate, consumer groups, `concurrency` at once.
 */
export class InMemoryEventBus extends StatechartEventBus {
  readonly #embeddedStore: DeadLetterStore | undefined;

  /** @throws {ConfigurationError} naming every wrong option. */
  constructor(options: InMemoryEventBusOptions = {}) {
    const { broker, maxDeadLetters, ...common } = parseOptions(optionsSchema, options, 'InMemoryEventBus');
    const settings = busSettings(common, { maxRetries: 0, ordering: 'none', consumerGroup: 'default' });
    const store = broker ?? new MemoryBroker({ maxDeadLetters: maxDeadLetters ?? 1000 });
    const isEmbedded = broker === undefined && settings.ordering === 'none';
    super(settings, {
      transport: isEmbedded ? undefined : new MemoryTransport(store, broker !== undefined),
      deadLetters: store,
      capabilities: MEMORY_CAPABILITIES,
      destination: 'memory',
      isStoredOnceSent: true,
      canRelease: !isEmbedded && broker !== undefined,
    });
    this.#embeddedStore = isEmbedded ? this.#embedded(store) : undefined;
    if (!isEmbedded) void this.startConsumingInBackground().catch(() => undefined);
  }

  protected override deadLetterStore(): Promise<DeadLetterStore> {
    return this.#embeddedStore === undefined ? super.deadLetterStore() : Promise.resolve(this.#embeddedStore);
  }

  override async getInfo(): Promise<BusInfo> {
    const info = await super.getInfo();
    const store = this.#embeddedStore;
    if (store === undefined) return info;
    return {
      ...info,
      connected: this.state === 'consuming',
      pendingMessages: this.getStats().inFlight,
      dlqMessages: await store.depth(this.settings.consumerGroup ?? ''),
      consumers: this.state === 'consuming' ? 1 : 0,
      lag: 0,
    };
  }

  /** Nobody consumes the broker's groups here: a replay goes straight to the handlers. */
  #embedded(store: MemoryBroker): DeadLetterStore {
    return {
      browse: (query) => store.browse(query),
      depth: (group) => store.depth(group),
      remove: (letters) => store.remove(letters),
      replay: async (letter: StoredDeadLetter, headers: Headers) => {
        const { codec, embedded, telemetry } = this.wiring;
        const event = codec.decode({ ...letter.message, headers });
        if ((await store.remove([letter])) === 0) return false;
        embedded?.replay(this.actor, event, headers, telemetry?.replayed(headers));
        return true;
      },
    };
  }
}
