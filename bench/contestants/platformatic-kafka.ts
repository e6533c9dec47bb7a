import { once } from 'node:events';
import {
  Consumer,
  Producer,
  stringDeserializers,
  stringSerializers,
  type MessagesStream,
} from '@platformatic/kafka';
import type { Courier } from './courier.ts';
import { kafkaRoute, messageOf } from './kafka.ts';
import type { Order } from './orders.ts';
import type { Place } from './protocol.ts';

type Strings = MessagesStream<string, string, string, string>;

/** @platformatic/kafka, bare. It needs Node 24; it runs beside the bus on kafkajs. */
export async function platformaticKafka({ url }: Place): Promise<Courier> {
  const route = await kafkaRoute(url);
  const producer = new Producer({
    clientId: 'bench',
    bootstrapBrokers: [url],
    serializers: stringSerializers,
  });
  let consumer: Consumer<string, string, string, string>;
  let stream: Strings;
  let reading: Promise<void>;
  return {
    ...route,
    publish: (orders) =>
      producer.send({
        acks: -1,
        messages: orders.map((order) => ({ topic: route.topic(), ...messageOf(order) })),
      }),
    async consume(handle) {
      consumer = new Consumer({
        clientId: 'bench',
        groupId: route.group(),
        bootstrapBrokers: [url],
        deserializers: stringDeserializers,
      });
      stream = await consumer.consume({ topics: [route.topic()], mode: 'earliest', autocommit: true });
      const read = async () => {
        for await (const message of stream) await handle(JSON.parse(message.value) as Order, message);
      };
      reading = read();
    },
    async stop() {
      const closed = once(stream, 'close');
      await stream.close();
      await Promise.all([closed, reading]);
      await consumer.close(true);
    },
    async close() {
      await producer.close();
      await route.close();
    },
  };
}
