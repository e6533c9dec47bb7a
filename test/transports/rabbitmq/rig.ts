import { randomUUID } from 'node:crypto';
import { connect, type Channel, type ChannelModel } from 'amqplib';
import { z } from 'zod';
import { defineEvent, EventRegistry } from '../../../src/index.ts';
import { startProxy, type FaultProxy } from '../../../src/testing/proxy.ts';
import { RETRY_TIERS_MS } from '../../../src/transports/rabbitmq/names.ts';
import { RabbitMQEventBus, type RabbitMQEventBusOptions } from '../../../src/transports/rabbitmq/index.ts';

export const Placed = defineEvent({
  type: 'Placed',
  aggregateType: 'Order',
  schema: z.object({ n: z.int() }),
});
export const Shipped = defineEvent({
  type: 'Shipped',
  aggregateType: 'Order',
  schema: z.object({ n: z.int() }),
});
export const Paid = defineEvent({
  type: 'Paid',
  aggregateType: 'Invoice',
  schema: z.object({ n: z.int() }),
});

const quiet = (): void => undefined;
const SILENT = { trace: quiet, debug: quiet, info: quiet, warn: quiet, error: quiet };

function known(): EventRegistry {
  const registry = new EventRegistry();
  for (const definition of [Placed, Shipped, Paid]) registry.register(definition as never);
  return registry;
}

/** An exchange of one test's own, the buses on it, and a raw client beside them. */
export class Rig {
  readonly exchange = `rig-${randomUUID()}`;
  readonly url: string;
  readonly #buses: RabbitMQEventBus[] = [];
  readonly #groups = new Set<string>();
  readonly #proxies: FaultProxy[] = [];
  #model: ChannelModel | undefined;

  constructor(url: string) {
    this.url = url;
  }

  bus(options: RabbitMQEventBusOptions = {}): RabbitMQEventBus {
    const bus = new RabbitMQEventBus({
      rabbitmqUrl: this.url,
      exchangeName: this.exchange,
      registry: known(),
      logger: SILENT,
      ...options,
    });
    this.#buses.push(bus);
    if (options.consumerGroup !== undefined) this.#groups.add(options.consumerGroup);
    return bus;
  }

  queue(group: string): string {
    this.#groups.add(group);
    return `${this.exchange}.${group}`;
  }

  /** A way to its server, which `urlBy` leads by it, that can be cut; closed with the rig. */
  async proxy(): Promise<FaultProxy> {
    const { hostname, port } = new URL(this.url);
    const proxy = await startProxy({ host: hostname, port: Number(port || 5672) });
    this.#proxies.push(proxy);
    return proxy;
  }

  /** On a channel of its own, which an error closes. */
  async raw<T>(use: (channel: Channel) => Promise<T>): Promise<T> {
    this.#model ??= await connect(this.url);
    const channel = await this.#model.createChannel();
    channel.on('error', () => undefined);
    const result = await use(channel);
    await channel.close();
    return result;
  }

  async close(): Promise<void> {
    await Promise.all(this.#buses.map((bus) => bus.shutdown({ timeoutMs: 1000 })));
    for (const group of this.#groups) {
      const queue = this.queue(group);
      const waiting = RETRY_TIERS_MS.map((tierMs) => `${queue}.retry.${tierMs}`);
      for (const left of [queue, `${queue}.dlq`, ...waiting])
        await this.raw((channel) => channel.deleteQueue(left)).catch(() => undefined);
    }
    // The second is that of classic queues, for what they dead-letter.
    for (const left of [this.exchange, `${this.exchange}_dlq`])
      await this.raw((channel) => channel.deleteExchange(left)).catch(() => undefined);
    await this.#model?.close();
    await Promise.all(this.#proxies.map((proxy) => proxy.close()));
  }
}

/** Whether it resolves, such as a publish that is stored and routed. */
export const succeeds = (doing: Promise<unknown>): Promise<boolean> =>
  doing.then(
    () => true,
    () => false,
  );

/** Resolves with the first answer that `holds` of. @throws {Error} with the last one after `limitMs`. */
export async function eventually<T>(
  ask: () => T | Promise<T>,
  holds: (answer: T) => boolean,
  limitMs = 10_000,
): Promise<T> {
  const deadline = performance.now() + limitMs;
  for (;;) {
    const answer = await ask();
    if (holds(answer)) return answer;
    if (performance.now() > deadline) throw new Error(`Still not so: ${JSON.stringify(answer)}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
