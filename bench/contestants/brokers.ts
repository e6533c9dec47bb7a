import type { Courier } from './courier.ts';
import { consuming, journeys, publishing, type Job } from './jobs.ts';
import { bareKafka, kafkaBus } from './kafka.ts';
import type { Enter, Place } from './protocol.ts';
import { bareRabbit, rabbitBus } from './rabbitmq.ts';
import { bareRedis, redisBus } from './redis.ts';
import { redisHeap } from './redis-heap.ts';

type Start = (place: Place) => Promise<Courier> | Courier;

const REDIS = { publish: publishing, consume: consuming(20_000), journey: journeys };
const RABBITMQ = { publish: publishing, consume: consuming(10_000), journey: journeys };
/** More, because a fetch brings thousands. */
const KAFKA = { publish: publishing, consume: consuming(60_000), journey: journeys };

/** Each courier of a broker at each job, called "redis publish: bare" and so on. */
export const brokerContestants: Readonly<Record<string, Enter>> = {
  ...atJobs('redis', REDIS, 'buschart', redisBus()),
  ...atJobs('redis', REDIS, 'bare', bareRedis),
  ...atJobs('redis', REDIS, "buschart, validateOn 'publish'", redisBus({ validateOn: 'publish' })),
  ...atJobs('redis', REDIS, 'bullmq', async (place) => (await import('./bullmq.ts')).bullmq(place)),
  ...atJobs('rabbitmq', RABBITMQ, 'buschart', rabbitBus()),
  ...atJobs('rabbitmq', RABBITMQ, 'bare', bareRabbit),
  ...atJobs('rabbitmq', RABBITMQ, 'rabbitmq-client', async (place) =>
    (await import('./rabbitmq-client.ts')).rabbitClient(place),
  ),
  ...atJobs('kafka', KAFKA, 'buschart', kafkaBus()),
  ...atJobs('kafka', KAFKA, 'bare', bareKafka),
  ...atJobs('kafka', KAFKA, "buschart, validateOn 'publish'", kafkaBus('publish')),
  ...atJobs('kafka', KAFKA, '@platformatic/kafka', async (place) =>
    (await import('./platformatic-kafka.ts')).platformaticKafka(place),
  ),
  'redis heap': redisHeap,
};

function atJobs(broker: string, jobs: Readonly<Record<string, Job>>, courier: string, start: Start) {
  return Object.fromEntries(
    Object.entries(jobs).map(([name, job]) => [`${broker} ${name}: ${courier}`, job(start)]),
  );
}
