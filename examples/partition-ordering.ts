import { z } from 'zod';
import { defineEvent } from 'buschart';
import { KafkaEventBus } from 'buschart/kafka';

// The events of one aggregate share a partition, so that they are handled in order even across the members of a group;
// different aggregates are handled beside each other.

const Deposited = defineEvent({
  type: 'Deposited',
  aggregateType: 'Account',
  schema: z.object({ number: z.int() }),
});

const ACCOUNTS = ['ada', 'ben', 'cy', 'dee'];
const DEPOSITS = 25;
const seen = new Map<string, number[]>(ACCOUNTS.map((account) => [account, []]));
let handled = 0;
let done: () => void;
const all = new Promise<void>((resolve) => (done = resolve));

const member = (consumerName: string) => {
  const bus = new KafkaEventBus({
    bootstrapServers: process.env['KAFKA_BOOTSTRAP_SERVERS'] ?? 'localhost:9092',
    topicPrefix: process.env['TOPIC_PREFIX'] ?? 'bank',
    createTopics: { partitions: 3, replicationFactor: 1 },
    consumerGroup: 'ledger',
    consumerName,
  });
  bus.subscribe(Deposited, async ({ aggregateId, number }) => {
    await new Promise((resolve) => setTimeout(resolve, Math.random() * 5));
    seen.get(aggregateId)?.push(number);
    if (++handled === ACCOUNTS.length * DEPOSITS) done();
  });
  return bus;
};

const [first, second] = [member('ledger-1'), member('ledger-2')];

try {
  const deposits = Array.from({ length: DEPOSITS }, (_, number) =>
    ACCOUNTS.map((aggregateId) => Deposited({ aggregateId, number })),
  );
  await first.publish(deposits.flat());
  await Promise.all([first.startConsumingInBackground(), second.startConsumingInBackground()]);
  await all;
} finally {
  await Promise.all([first.shutdown(), second.shutdown()]);
}
for (const [account, numbers] of seen)
  console.log(
    `${account}: ${numbers.length}, ${numbers.every((n, at) => n === at) ? 'in order' : 'OUT OF ORDER'}`,
  );
