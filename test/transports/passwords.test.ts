import { randomUUID } from 'node:crypto';
import { inspect } from 'node:util';
import { connect } from 'amqplib';
import { Redis } from 'ioredis';
import { afterEach, describe, expect, inject, it } from 'vitest';
import { z } from 'zod';
import { defineEvent, EventRegistry, type BrokerEventBus } from '../../src/index.ts';
import { KafkaEventBus } from '../../src/transports/kafka/index.ts';
import { RabbitMQEventBus } from '../../src/transports/rabbitmq/index.ts';
import { RedisEventBus } from '../../src/transports/redis/index.ts';

const registry = new EventRegistry();
const Placed = defineEvent({
  type: 'Placed',
  aggregateType: 'Order',
  registry,
  schema: z.object({ n: z.int() }),
});

const quiet = (): void => undefined;
const logger = { trace: quiet, debug: quiet, info: quiet, warn: quiet, error: quiet };

/** Every text that a printer or a serialiser can come by, and where. Private fields and getters are out of their reach. */
function* texts(value: unknown, seen = new Set<unknown>(), path = ''): Generator<[string, string]> {
  if (typeof value === 'string') yield [value, path];
  if (Buffer.isBuffer(value)) yield [value.toString('latin1'), path];
  if ((typeof value !== 'object' && typeof value !== 'function') || value === null || seen.has(value)) return;
  seen.add(value);
  if (ArrayBuffer.isView(value)) return;
  const parts: [unknown, unknown][] = Reflect.ownKeys(value)
    .filter((key) => Object.prototype.propertyIsEnumerable.call(value, key))
    .map((key) => [key, Object.getOwnPropertyDescriptor(value, key)?.value]);
  if (value instanceof Map) parts.push(...[...value.entries()]);
  if (value instanceof Set) parts.push(...[...value].map((one): [unknown, unknown] => ['', one]));
  for (const [key, part] of parts) yield* texts(part, seen, `${path}.${String(key)}`);
}

/** What its printed forms hold of `secret`, by form. */
function leaks(bus: BrokerEventBus, events: readonly unknown[], secret: RegExp): string[] {
  const found: string[] = [];
  const snapshot = bus.actor.getSnapshot();
  if (secret.test(JSON.stringify(snapshot))) found.push('JSON of the snapshot');
  if (secret.test(JSON.stringify(bus.actor.getPersistedSnapshot()))) found.push('the persisted snapshot');
  if (secret.test(inspect(bus, { depth: Infinity, showHidden: false }))) found.push('inspect');
  for (const [what, root] of Object.entries({ bus, snapshot, events }))
    for (const [text, path] of texts(root)) if (secret.test(text)) found.push(`${what}${path}`);
  return found;
}

const rabbitmqUrl = inject('rabbitmqUrl');
const redisUrl = inject('redisUrl');
const kafkaServers = inject('kafkaServers');

const prefix = `passwords-${randomUUID()}`;
type Common = ConstructorParameters<typeof RedisEventBus>[0];

const BUSES = [
  {
    name: 'Redis',
    isFound: redisUrl !== undefined,
    // Whoever needs no password may give any.
    secret: /let-me-in/,
    make: (options: Common) => {
      const url = new URL(redisUrl!);
      url.username = 'default';
      url.password = 'let-me-in';
      return new RedisEventBus({ ...options, redisUrl: url.href, streamPrefix: prefix });
    },
    connects: true,
    async clear() {
      const redis = new Redis(redisUrl!);
      const keys = await redis.keys(`${prefix}*`);
      if (keys.length > 0) await redis.del(...keys);
      redis.disconnect();
    },
  },
  {
    name: 'RabbitMQ',
    isFound: rabbitmqUrl !== undefined,
    // Escaped, so that it is told from the user's name; unescaped as the driver sends it.
    secret: /guest:|%67uest|guest\0guest/,
    make: (options: Common) => {
      const url = rabbitmqUrl!.replace(/\/\/([^@]*@)?/, '//guest:%67uest@');
      return new RabbitMQEventBus({ ...options, rabbitmqUrl: url, exchangeName: prefix });
    },
    connects: true,
    async clear() {
      const connection = await connect(rabbitmqUrl!);
      const channel = await connection.createChannel();
      for (const queue of [`${prefix}.g`, `${prefix}.g.dlq`]) await channel.deleteQueue(queue);
      await channel.deleteExchange(prefix);
      await connection.close();
    },
  },
  {
    name: 'Kafka',
    isFound: kafkaServers !== undefined,
    secret: /let-me-in/,
    // Its listener takes no passwords, so that connecting fails, at the handshake.
    make: (options: Common) =>
      new KafkaEventBus({
        ...options,
        bootstrapServers: kafkaServers!.split(','),
        sasl: { mechanism: 'plain', username: 'user', password: 'let-me-in' },
        topicPrefix: prefix,
        connectTimeoutMs: 2000,
      }),
    connects: false,
    clear: () => Promise.resolve(),
  },
];

describe.each(BUSES)(
  'the password of a bus on $name',
  { timeout: 90_000 },
  ({ isFound, secret, make, connects, clear }) => {
    let bus: BrokerEventBus | undefined;
    afterEach(async () => {
      await bus?.shutdown({ timeoutMs: 1000 });
      if (isFound) await clear();
    });

    it.skipIf(!isFound)(
      'is in nothing that prints or stores the bus, before, while and after it runs',
      async () => {
        const events: unknown[] = [];
        bus = make({
          consumerGroup: 'g',
          registry,
          logger,
          inspect: (event) => void events.push(event),
        });
        bus.subscribe(Placed, () => undefined);
        expect(leaks(bus, events, secret)).toEqual([]);
        if (connects) {
          await bus.startConsumingInBackground();
          await bus.publish(Placed({ aggregateId: 'a', n: 1 }));
        } else {
          await bus.connect().catch(() => undefined);
        }
        expect(leaks(bus, events, secret)).toEqual([]);
        await bus.shutdown();
        expect(leaks(bus, events, secret)).toEqual([]);
        expect(events.length).toBeGreaterThan(3);
      },
    );
  },
);
