import { connect, type Channel, type ConfirmChannel } from 'amqplib';
import { RabbitMQEventBus } from 'buschart/rabbitmq';
import { busCourier, type Courier, type Route } from './courier.ts';
import { bodyOf, headersOf, OrderPlaced, type Order } from './orders.ts';
import type { Place } from './protocol.ts';

const GROUP = 'bench';
/** What a consumer holds unacknowledged, whoever made it. */
export const PREFETCH = 100;
export const ROUTING_KEY = 'Order.OrderPlaced';

/** An exchange and the durable quorum queue of its group. */
export interface RabbitRoute extends Route {
  exchange(): string;
  queue(): string;
}

const busOn = (url: string, exchangeName: string, validateOn: 'both' | 'publish') =>
  new RabbitMQEventBus({
    rabbitmqUrl: url,
    exchangeName,
    consumerGroup: GROUP,
    prefetchCount: PREFETCH,
    validateOn,
  });

/** Everybody has the queue that the bus declares: what its arguments cost the broker, they cost all. */
export async function rabbitRoute(url: string): Promise<RabbitRoute> {
  const connection = await connect(url);
  const channel = await connection.createChannel();
  let exchange = '';
  const queue = () => `${exchange}.${GROUP}`;
  return {
    exchange: () => exchange,
    queue,
    async open(route) {
      exchange = route;
      const bus = busOn(url, exchange, 'both');
      bus.subscribe(OrderPlaced, async () => {});
      await bus.startConsumingInBackground();
      await bus.shutdown();
    },
    unsettled: async () => (await channel.checkQueue(queue())).messageCount,
    async remove() {
      await channel.deleteQueue(queue());
      await channel.deleteQueue(`${queue()}.dlq`);
      await channel.deleteExchange(exchange);
    },
    close: () => connection.close(),
  };
}

export const rabbitBus =
  (validateOn: 'both' | 'publish' = 'both') =>
  async ({ url }: Place): Promise<Courier> =>
    busCourier(await rabbitRoute(url), (route) => busOn(url, route, validateOn));

/** What one writes by hand on two connections: confirms awaited once a list, each message acked when it is handled. */
export async function bareRabbit({ url }: Place): Promise<Courier> {
  const route = await rabbitRoute(url);
  const writing = await connect(url);
  const reading = await connect(url);
  const writer: ConfirmChannel = await writing.createConfirmChannel();
  let reader: Channel;
  return {
    ...route,
    async publish(orders) {
      for (const order of orders)
        writer.publish(route.exchange(), ROUTING_KEY, Buffer.from(bodyOf(order)), propertiesOf(order));
      await writer.waitForConfirms();
    },
    async consume(handle) {
      reader = await reading.createChannel();
      await reader.prefetch(PREFETCH);
      await reader.consume(route.queue(), (message) => {
        if (message === null) throw new Error('The queue is gone.');
        const order = JSON.parse(message.content.toString()) as Order;
        void handle(order, message).then(() => reader.ack(message));
      });
    },
    stop: () => reader.close(),
    async close() {
      await writing.close();
      await reading.close();
      await route.close();
    },
  };
}

/** The message's properties and header table, as the bus writes them. */
export const propertiesOf = (order: Order) => ({
  persistent: true,
  mandatory: true,
  contentType: 'application/json',
  contentEncoding: 'utf-8',
  messageId: order.eventId,
  timestamp: Math.floor(order.occurredAt.getTime() / 1000),
  headers: {
    ...headersOf(order),
    aggregate_version: order.aggregateVersion,
    'x-retry-count': 0,
    correlation_id: order.correlationId,
  },
});
