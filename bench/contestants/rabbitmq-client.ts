import { Connection, type Consumer, type Publisher } from 'rabbitmq-client';
import type { Courier } from './courier.ts';
import { bodyOf, type Order } from './orders.ts';
import type { Place } from './protocol.ts';
import { PREFETCH, propertiesOf, rabbitRoute, ROUTING_KEY } from './rabbitmq.ts';

/** rabbitmq-client: its confirming publisher, and its consumer, which acks each message once its handler has resolved. */
export async function rabbitClient({ url }: Place): Promise<Courier> {
  const route = await rabbitRoute(url);
  const connection = new Connection(url);
  const publisher: Publisher = connection.createPublisher({ confirm: true });
  let consumer: Consumer;
  return {
    ...route,
    publish: (orders) =>
      Promise.all(orders.map((order) => publisher.send(envelopeOf(order), bodyBytes(order)))),
    consume(handle) {
      consumer = connection.createConsumer(
        { queue: route.queue(), queueOptions: { passive: true }, qos: { prefetchCount: PREFETCH } },
        async (message) => handle(JSON.parse((message.body as Buffer).toString()) as Order, message),
      );
      consumer.on('error', (error) => {
        throw error;
      });
      return new Promise((resolve) => consumer.once('ready', () => resolve(undefined)));
    },
    stop: () => consumer.close(),
    async close() {
      await publisher.close();
      await connection.close();
      await route.close();
    },
  };

  function envelopeOf(order: Order) {
    const { persistent, ...properties } = propertiesOf(order);
    // Without this it would parse the body by itself, and leave nothing to compare.
    const contentType = 'application/octet-stream';
    return {
      ...properties,
      exchange: route.exchange(),
      routingKey: ROUTING_KEY,
      durable: persistent,
      contentType,
    };
  }
}

const bodyBytes = (order: Order): Buffer => Buffer.from(bodyOf(order));
