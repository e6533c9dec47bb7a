import { z } from 'zod';
import { defineEvent } from 'buschart';
import { KafkaEventBus } from 'buschart/kafka';

const MeterRead = defineEvent({
  type: 'MeterRead',
  aggregateType: 'Meter',
  schema: z.object({ kWh: z.number() }),
});

const bus = new KafkaEventBus({
  bootstrapServers: process.env['KAFKA_BOOTSTRAP_SERVERS'] ?? 'localhost:9092',
  topicPrefix: process.env['TOPIC_PREFIX'] ?? 'energy', // the topic energy.stream, keyed by aggregateId
  createTopics: { partitions: 4, replicationFactor: 1 }, // what is missing
  consumerGroup: 'billing',
});
const stop = new AbortController();
process.once('SIGTERM', () => stop.abort());

bus.subscribe(MeterRead, (event) => {
  console.log(`${event.aggregateId}: ${event.kWh} kWh`);
  if (event.kWh === 3) stop.abort();
});

try {
  await bus.publish([1, 2, 3].map((kWh) => MeterRead({ aggregateId: 'meter-7', kWh })));
  await bus.startConsuming({ signal: stop.signal }); // a new group begins with what is there
} finally {
  await bus.shutdown();
}
