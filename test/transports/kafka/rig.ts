import { randomUUID } from 'node:crypto';
import { type Admin, Kafka, logLevel, type Message as KafkaRecord, type Producer } from 'kafkajs';
import { z } from 'zod';
import { defineEvent, EventRegistry, type EventOf } from '../../../src/index.ts';
import { KafkaEventBus, type KafkaEventBusOptions } from '../../../src/transports/kafka/index.ts';
import { placedBody } from '../../support/wire/placed.ts';

export const Placed = defineEvent({
  type: 'Placed',
  aggregateType: 'Order',
  schema: z.object({ n: z.int() }),
  registry: new EventRegistry(),
});

/** Events with `n` from `from` on, spread over aggregates. */
export function placed(count: number, keys = 20, from = 0): EventOf<typeof Placed>[] {
  return Array.from({ length: count }, (_, at) =>
    Placed({ aggregateId: `order-${at % keys}`, n: from + at }),
  );
}

/** As another program would write them; all with that key, or each with its own. */
export function asRecords(events: readonly EventOf<typeof Placed>[], key?: string | null): KafkaRecord[] {
  return events.map((event) => ({
    key: key === undefined ? event.aggregateId : key,
    value: JSON.stringify(placedBody(event)),
    headers: { event_id: event.eventId, event_type: Placed.type },
  }));
}

const quiet = (): void => undefined;
const SILENT = { trace: quiet, debug: quiet, info: quiet, warn: quiet, error: quiet };

function known(): EventRegistry {
  const registry = new EventRegistry();
  registry.register(Placed as never);
  return registry;
}

/** A topic prefix of one test's own, the buses on it, and a raw client beside them. */
export class Rig {
  readonly prefix = `rig-${randomUUID()}`;
  readonly topic = `${this.prefix}.stream`;
  readonly servers: string;
  readonly #buses: KafkaEventBus[] = [];

  constructor(servers: string) {
    this.servers = servers;
  }

  bus(options: KafkaEventBusOptions = {}): KafkaEventBus {
    const bus = new KafkaEventBus({
      bootstrapServers: this.servers,
      topicPrefix: this.prefix,
      createTopics: { partitions: 4, replicationFactor: 1 },
      registry: known(),
      logger: SILENT,
      ...options,
    });
    this.#buses.push(bus);
    return bus;
  }

  /** A consumer of the group `g` that notes what it handles, by `n`. */
  async consumer(
    seen: number[],
    options: KafkaEventBusOptions = {},
    handle: (n: number) => unknown = () => undefined,
  ): Promise<KafkaEventBus> {
    const bus = this.bus({ consumerGroup: 'g', ...options });
    bus.subscribe(Placed, async ({ n }) => {
      await handle(n);
      seen.push(n);
    });
    await bus.startConsumingInBackground();
    return bus;
  }

  async admin<T>(use: (admin: Admin) => Promise<T>): Promise<T> {
    const admin = this.#kafka().admin();
    await admin.connect();
    try {
      return await use(admin);
    } finally {
      await admin.disconnect();
    }
  }

  async producer<T>(use: (producer: Producer) => Promise<T>): Promise<T> {
    const producer = this.#kafka().producer();
    await producer.connect();
    try {
      return await use(producer);
    } finally {
      await producer.disconnect();
    }
  }

  async close(): Promise<void> {
    await Promise.all(this.#buses.map((bus) => bus.shutdown({ timeoutMs: 1000 })));
    await this.admin(async (admin) => {
      const topics = (await admin.listTopics()).filter((topic) => topic.startsWith(`${this.prefix}.`));
      if (topics.length > 0) await admin.deleteTopics({ topics });
    });
  }

  #kafka(): Kafka {
    return new Kafka({
      brokers: this.servers.split(','),
      logLevel: logLevel.NOTHING,
      retry: { retries: 3 },
    });
  }
}

/** Resolves with the first answer that `holds` of. @throws {Error} with the last one after `limitMs`. */
export async function eventually<T>(
  ask: () => T | Promise<T>,
  holds: (answer: T) => boolean,
  limitMs = 15_000,
): Promise<T> {
  const deadline = performance.now() + limitMs;
  for (;;) {
    const answer = await ask();
    if (holds(answer)) return answer;
    if (performance.now() > deadline)
      throw new Error(`Still not so: ${JSON.stringify(answer)?.slice(0, 500)}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** Each `n` from 0 to `count`, once. */
export const upTo = (count: number): number[] => Array.from({ length: count }, (_, n) => n);
/** Sorted, each once. */
export const distinct = (seen: readonly number[]): number[] => [...new Set(seen)].toSorted((a, b) => a - b);
