import { showRaw } from './chart-coverage.ts';
import { randomUUID } from 'node:crypto';
import { InMemoryEventBus, MemoryBroker } from '../../src/index.ts';
import { VirtualClock, type Destination, type TransportHarness } from '../../src/testing/index.ts';

/** What a broker holds, reached by a way of its own that can be cut without cutting others. */
class MemoryWay extends MemoryBroker {
  readonly #broker: MemoryBroker;

  constructor(broker: MemoryBroker) {
    super();
    this.#broker = broker;
  }

  override group(...args: Parameters<MemoryBroker['group']>) {
    return this.#broker.group(...args);
  }
  override find(...args: Parameters<MemoryBroker['find']>) {
    return this.#broker.find(...args);
  }
  override append(...args: Parameters<MemoryBroker['append']>) {
    return this.#broker.append(...args);
  }
  override get retained() {
    return this.#broker.retained;
  }
  override browse(...args: Parameters<MemoryBroker['browse']>) {
    return this.#broker.browse(...args);
  }
  override depth(...args: Parameters<MemoryBroker['depth']>) {
    return this.#broker.depth(...args);
  }
  override replay(...args: Parameters<MemoryBroker['replay']>) {
    return this.#broker.replay(...args);
  }
  override remove(...args: Parameters<MemoryBroker['remove']>) {
    return this.#broker.remove(...args);
  }
}

/** Brokers in memory, one for each destination, on virtual time. */
export function memoryHarness(Bus = InMemoryEventBus): TransportHarness {
  const brokers = new Map<string, MemoryBroker>();
  const ways = new Map<string, MemoryBroker>();
  const clock = new VirtualClock();

  function brokerOf({ name }: Pick<Destination, 'name'>): MemoryBroker {
    const broker = brokers.get(name) ?? new MemoryBroker({ maxDeadLetters: 10_000 });
    brokers.set(name, broker);
    return broker;
  }

  const wayOf = ({ name, way }: Destination): MemoryBroker =>
    way === undefined ? brokerOf({ name }) : (ways.get(way) as MemoryBroker);

  return {
    abilities: {
      durable: false,
      crossProcess: false,
      deliveryCount: true,
      keyOrder: 'single-consumer',
      replayFromStart: true,
      leased: false,
      allGroups: true,
      atomicDeadLetters: true,
      delayedRetry: false,
      consumesByItself: true,
    },
    window: 200,
    clock,
    destination: (testId) => ({ name: `${testId}-${randomUUID()}`, group: 'workers' }),
    makeBus(destination, options) {
      const bus = new Bus({ broker: wayOf(destination), ...options });
      showRaw(bus, options.inspect);
      return bus;
    },
    putRaw: (destination, { id, type, key, headers, body }) => {
      brokerOf(destination).append({ id, type, key, headers, body, attributes: {} });
      return Promise.resolve();
    },
    cleanUp: ({ name }) => {
      brokers.delete(name);
      for (const way of ways.keys()) if (way.startsWith(name)) ways.delete(way);
      return Promise.resolve();
    },
    faults: {
      cut: (destination) => Promise.resolve(wayOf(destination).crash()),
      heal: (destination) => Promise.resolve(wayOf(destination).start()),
      wayTo: (destination) => {
        const way = `${destination.name}/${randomUUID()}`;
        ways.set(way, new MemoryWay(brokerOf(destination)));
        return Promise.resolve({ ...destination, way });
      },
    },
    probe: {
      pending: (destination, group) => Promise.resolve(brokerOf(destination).group(group).pendingCount),
      dlqDepth: (destination, group) => brokerOf(destination).depth(group),
    },
  };
}
