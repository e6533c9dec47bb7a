import kafkajs from 'kafkajs';
import { expect, test } from 'vitest';
import type { Codecs } from '../../src/transports/kafka/kafkajs/codecs.ts';
import { readFetches } from '../../src/transports/kafka/kafkajs/fetch-reading.ts';
import {
  type Broker,
  type Cluster,
  createKafka,
  withCluster,
} from '../../src/transports/kafka/kafkajs/kafka.ts';
import { parseKafkaOptions } from '../../src/transports/kafka/options.ts';

const codecs = kafkajs.CompressionCodecs as Codecs;
const FETCH = 1;
const HEARTBEAT = 12;
/** Of a fetch that found nothing. */
const EMPTY = Buffer.alloc(14);

/** A cluster whose broker speaks Fetch in that version; kafkajs' own reading of any answer is the word `theirs`. */
async function brokerOf(apiVersion: number): Promise<{ cluster: Cluster; broker: Broker; connect(): void }> {
  const broker = {} as Broker;
  const connect = (): void => {
    broker.lookupRequest = () => () => ({
      request: { apiVersion },
      response: { decode: () => Promise.resolve('theirs') },
    });
  };
  connect();
  const cluster = { findBroker: () => Promise.resolve(broker) } as unknown as Cluster;
  readFetches(cluster, codecs);
  await cluster.findBroker({ nodeId: '1' });
  return { cluster, broker, connect };
}

const read = ({ lookupRequest }: Broker, apiKey: number): Promise<unknown> =>
  lookupRequest(apiKey, {})({}).response.decode(EMPTY);

test('the answers to fetches are read by us, and no others', async () => {
  const { broker } = await brokerOf(11);
  expect(await read(broker, FETCH)).toMatchObject({ errorCode: 0, responses: [] });
  expect(await read(broker, HEARTBEAT)).toBe('theirs');
});

test('a broker that connected again has its fetches read by us again', async () => {
  const { cluster, broker, connect } = await brokerOf(11);
  connect();
  expect(await read(broker, FETCH)).toBe('theirs');
  await cluster.findBroker({ nodeId: '1' });
  await cluster.findBroker({ nodeId: '1' });
  expect(await read(broker, FETCH)).toMatchObject({ responses: [] });
});

test('a broker that speaks an older version has its answers read by kafkajs', async () => {
  const { broker } = await brokerOf(10);
  expect(await read(broker, FETCH)).toBe('theirs');
});

test('this kafkajs has what its fetches are read by', () => {
  const { kafka } = createKafka(kafkajs, parseKafkaOptions({}), 'test');
  const { cluster } = withCluster(kafka, () => kafka.consumer({ groupId: 'g' }));
  const { brokerPool } = cluster as unknown as { brokerPool: { createBroker(options: object): Broker } };
  const broker = brokerPool.createBroker({ connectionPool: {}, logger: kafka.logger() });
  expect(cluster.findBroker).toBeTypeOf('function');
  expect(broker.lookupRequest).toBeTypeOf('function');
});
