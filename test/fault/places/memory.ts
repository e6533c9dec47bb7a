import type { PrivateServer } from '../../../brokers/private-server.ts';
import { InMemoryEventBus, MemoryBroker } from '../../../src/index.ts';
import type { FaultProxy } from '../../../src/testing/index.ts';
import { GROUP, type FaultPlace } from './place.ts';

const COPIES = 'copies';

/** A broker in the memory of this process; it can be crashed, and its buses cut off, which comes to the same. */
export function memoryPlace(
  destination: string,
  broker = new MemoryBroker({ maxRetained: 1_000_000, maxDeadLetters: 100_000 }),
): { readonly place: FaultPlace; readonly proxy: FaultProxy } {
  const group = broker.group(GROUP);
  const copies = broker.group(COPIES);
  const viewer = { wake: () => undefined, freed: () => undefined, dropped: () => undefined };
  copies.join(viewer);
  const stored: string[] = [];
  let lost = 0;

  const crash = (): void => {
    lost += group.pendingCount;
    broker.crash();
  };
  const server: PrivateServer = {
    url: 'memory:',
    port: 0,
    folder: '',
    get pid() {
      return broker.isDown ? undefined : process.pid;
    },
    kill: () => Promise.resolve(crash()),
    start: () => Promise.resolve(broker.start()),
    stop: () => Promise.resolve(),
    freeze: impossible,
    thaw: impossible,
  };
  const place: FaultPlace = {
    server,
    at: { broker: 'memory', url: server.url, destination },
    group: GROUP,
    through: () => ({ at: place.at, options: {} }),
    makeBus: (options) => Promise.resolve(new InMemoryEventBus({ broker, ordering: 'key', ...options })),
    slowHandlerMs: 0,
    givesUpAfterMs: 0,
    noticesWithinMs: 0,
    countsDeliveries: true,
    foldsDeadLetters: true,
    prepare: () => Promise.resolve(),
    unsettled: () => Promise.resolve(group.pendingCount + group.length),
    beforeFault() {
      const before = group.pendingCount;
      lost = 0;
      return Promise.resolve(() => before + lost);
    },
    stored() {
      stored.push(...copies.take(viewer, Infinity).map(({ message }) => message.id));
      return Promise.resolve(stored);
    },
    async deadLettered() {
      const ids = new Set<string>();
      for await (const page of broker.browse({ group: GROUP }))
        for (const { message } of page) ids.add(message.id);
      return ids;
    },
    loseState: impossible,
    refuseStorage: impossible,
    clear: () => Promise.resolve(),
    close: () => Promise.resolve(),
  };
  return { place, proxy: cutting(crash, () => broker.start()) };
}

/** There is no wire: whatever is done to the way cuts it. */
function cutting(cut: () => void, mend: () => void): FaultProxy {
  let mode: FaultProxy['mode'] = 'pass';
  return {
    host: '',
    port: 0,
    connections: 0,
    get mode() {
      return mode;
    },
    set(next) {
      mode = next;
      if (next !== 'pass') cut();
    },
    heal() {
      mode = 'pass';
      mend();
    },
    close: () => Promise.resolve(),
  };
}

function impossible(): never {
  throw new Error('A broker in memory can’t do that.');
}
