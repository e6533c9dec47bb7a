import { createRequire } from 'node:module';
import { setImmediate as nextTurn } from 'node:timers/promises';
import kafkajs from 'kafkajs';
import { expect, it } from 'vitest';
import type { Cluster } from '../../src/transports/kafka/kafkajs/kafka.ts';
import { KafkajsMember } from '../../src/transports/kafka/kafkajs/member.ts';
import type { KafkaSettings } from '../../src/transports/kafka/options.ts';
import { gate } from '../support/memory-bus.ts';

interface FetchManager {
  start(): Promise<void>;
  stop(): Promise<void>;
}
const createFetchManager = createRequire(import.meta.url)('kafkajs/src/consumer/fetchManager') as (
  options: object,
) => FetchManager;

/** A member whose client never reaches a broker, and the cluster that it works on, of brokers as `nodes` says. */
function memberOf(nodes: () => string[]): { readonly member: KafkajsMember; readonly cluster: Cluster } {
  let cluster: Cluster | undefined;
  class Kafka extends kafkajs.Kafka {
    constructor(config: ConstructorParameters<typeof kafkajs.Kafka>[0]) {
      super(config);
      const inner = this as unknown as Record<symbol, (options: object) => Cluster>;
      const [key] = Object.getOwnPropertySymbols(inner).filter(({ description }) =>
        description?.endsWith('createCluster'),
      );
      const create = inner[key!]!.bind(this);
      inner[key!] = (options) => (cluster = Object.assign(create(options), { getNodeIds: nodes }));
    }
  }
  const member = new KafkajsMember(
    { ...kafkajs, Kafka } as never,
    {
      bootstrapServers: ['127.0.0.1:1'],
      sessionTimeoutMs: 6000,
      heartbeatIntervalMs: 500,
    } as unknown as KafkaSettings,
    'nowhere',
    { group: 'g', clientId: 'c', topics: ['t'], identity: { memberId: undefined } },
    {
      revoking: async () => undefined,
      assigned: async () => undefined,
      foreign: () => undefined,
      fetched: async () => 0,
      ended: () => undefined,
    },
  );
  return { member, cluster: cluster! };
}

it('kafkajs fetches nothing more when a broker goes in the moment in which its member ends', async () => {
  let nodes = ['1', '2'];
  const { member, cluster } = memberOf(() => nodes);
  const answered = gate();
  const quiet: object = { namespace: () => quiet, debug: () => undefined, info: () => undefined };
  const manager = createFetchManager({
    logger: quiet,
    getNodeIds: () => cluster.getNodeIds(),
    // With a pause, which the real one has none of once it is stopped: the process would stand still.
    fetch: async (node: string) => {
      await (node === '2' ? answered.promise : nextTurn());
      return [];
    },
    handler: async () => undefined,
  });
  const fetching = manager.start().catch((error: unknown) => error);
  await nextTurn();
  // It wants to fetch anew from who is left, and waits for the other fetch to end before it does.
  nodes = ['1'];
  for (let turn = 0; turn < 5; turn++) await nextTurn();
  const dropped = member.drop(new Error('the connection is gone'));
  const stopped = manager.stop();
  answered.open();
  await Promise.all([stopped, dropped]);
  const outcome = await Promise.race([fetching, nextTurn('still fetching')]);
  await manager.stop();
  expect(outcome).toMatchObject({ name: 'KafkaJSNoBrokerAvailableError' });
});
