import { randomUUID } from 'node:crypto';
import { InMemoryEventBus, MemoryBroker } from '../../src/index.ts';
import { describeTransport, VirtualClock, type Destination } from '../../src/testing/index.ts';
import { runSeed } from '../support/seed.ts';

const brokers = new Map<string, MemoryBroker>();
const clock = new VirtualClock();

function brokerOf({ name }: Destination): MemoryBroker {
  const broker = brokers.get(name) ?? new MemoryBroker({ maxDeadLetters: 10_000 });
  brokers.set(name, broker);
  return broker;
}

describeTransport(
  'memory',
  {
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
    makeBus: (destination, options) => new InMemoryEventBus({ broker: brokerOf(destination), ...options }),
    putRaw: (destination, { id, type, key, headers, body }) => {
      brokerOf(destination).append({ id, type, key, headers, body, attributes: {} });
      return Promise.resolve();
    },
    cleanUp: ({ name }) => {
      brokers.delete(name);
      return Promise.resolve();
    },
    faults: {
      cut: (destination) => Promise.resolve(brokerOf(destination).crash()),
      heal: (destination) => Promise.resolve(brokerOf(destination).start()),
    },
    probe: {
      pending: (destination, group) => Promise.resolve(brokerOf(destination).group(group).pendingCount),
      dlqDepth: (destination, group) => brokerOf(destination).depth(group),
    },
  },
  { seed: runSeed() },
);
