import {
  AclOperationTypes,
  AclPermissionTypes,
  AclResourceTypes,
  ConfigResourceTypes,
  ResourcePatternTypes,
} from 'kafkajs';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, inject, it } from 'vitest';
import type { KafkaServer } from '../../../brokers/kafka-server.ts';
import { ConfigurationError } from '../../../src/index.ts';
import { ALICE, asAlice, startGuardedKafka } from './guarded-kafka.ts';
import { eventually, placed, Rig, upTo } from './rig.ts';
import { createTopics } from '../../support/kafka-topics.ts';

const program = inject('kafkaProgram');

describe.skipIf(program === undefined)('a topic of dead letters, on Kafka', () => {
  let server: KafkaServer;
  let rig: Rig;
  beforeAll(async () => {
    server = await startGuardedKafka(program!, { 'auto.create.topics.enable': 'false' });
  }, 60_000);
  beforeEach(() => (rig = new Rig(server.url)));
  afterEach(() => rig.close());
  afterAll(() => server.stop());

  const letters = () => `${rig.topic}.dlq`;
  const makeTopics = (...topics: string[]) =>
    rig.admin((admin) =>
      createTopics(
        admin,
        topics.map((topic) => ({ topic, numPartitions: 4 })),
      ),
    );
  /** Of the events that the group has settled in a row, summed over partitions. */
  const committed = async () => {
    const [group] = await rig.admin((admin) => admin.fetchOffsets({ groupId: 'g', topics: [rig.topic] }));
    return group!.partitions.reduce((sum, { offset }) => sum + Math.max(0, Number(offset)), 0);
  };
  const poison = (n: number) => {
    if (n === 0) throw new Error('poison');
  };

  const refusal = {
    resourceType: AclResourceTypes.TOPIC,
    resourcePatternType: ResourcePatternTypes.LITERAL,
    host: '*',
    principal: ALICE,
    operation: AclOperationTypes.WRITE,
    permissionType: AclPermissionTypes.DENY,
  };
  const limit = (value: string) =>
    rig.admin((admin) =>
      admin.alterConfigs({
        validateOnly: false,
        resources: [
          {
            type: ConfigResourceTypes.TOPIC,
            name: letters(),
            configEntries: [{ name: 'max.message.bytes', value }],
          },
        ],
      }),
    );

  it.each([
    {
      how: 'is gone, and may not be made',
      why: /no topic ".*\.dlq", and createTopics is false/,
      breaks: () => rig.admin((admin) => admin.deleteTopics({ topics: [letters()] })),
      mends: () => makeTopics(letters()),
    },
    {
      how: 'may not be written to',
      why: /authorized/,
      breaks: () =>
        rig.admin((admin) => admin.createAcls({ acl: [{ ...refusal, resourceName: letters() }] })),
      mends: () =>
        rig.admin((admin) => admin.deleteAcls({ filters: [{ ...refusal, resourceName: letters() }] })),
    },
    {
      how: 'takes nothing of that size',
      why: /larger than/,
      breaks: () => limit('1'),
      mends: () => limit('1100000'),
    },
  ])('that $how passes over nothing, says why and mends itself', async ({ why, breaks, mends }) => {
    await makeTopics(rig.topic, letters(), `${rig.topic}.g.replay`);
    const seen: number[] = [];
    const bus = await rig.consumer(seen, { ...asAlice(server), maxRetries: 0 }, poison);
    await breaks();
    await rig.bus().publish(placed(40, 40));
    await eventually(
      () => seen.length,
      (count) => count === 39,
    );
    const { reasons } = await eventually(
      () => bus.healthCheck(),
      (health) => health.status === 'degraded' && why.test(health.reasons.join()),
    );
    expect(reasons).toEqual([expect.stringContaining('a dead letter cannot be stored')]);
    const before = await eventually(committed, (count) => count > 0);
    expect(before).toBeLessThan(40);
    await mends();
    await eventually(committed, (count) => count === 40);
    expect(await bus.deadLetters.list()).toMatchObject([{ reason: 'attempts-exhausted' }]);
    await eventually(
      async () => (await bus.healthCheck()).status,
      (status) => status === 'healthy',
    );
    expect(seen.toSorted((a, b) => a - b)).toEqual(upTo(40).slice(1));
  });

  it('holds up no other event while it stays away', async () => {
    await makeTopics(rig.topic, letters(), `${rig.topic}.g.replay`);
    const seen: number[] = [];
    const bus = await rig.consumer(seen, { createTopics: false, maxRetries: 0 }, poison);
    await rig.admin((admin) => admin.deleteTopics({ topics: [letters()] }));
    // It is noticed by a look at all topics, and what is open is opened anew.
    await eventually(
      () => bus.getStats().reconnections,
      (count) => count === 1,
    );
    await rig.bus().publish(placed(40, 40));
    await eventually(
      () => seen.length,
      (count) => count === 39,
    );
    expect(await committed()).toBeLessThan(40);
    await makeTopics(letters());
    await eventually(committed, (count) => count === 40);
    expect(await bus.deadLetters.count()).toBe(1);
  });

  it('is made again when it was deleted', async () => {
    const seen: number[] = [];
    const bus = await rig.consumer(seen, { maxRetries: 0 }, poison);
    await rig.admin((admin) => admin.deleteTopics({ topics: [letters()] }));
    await rig.bus().publish(placed(40, 40));
    await eventually(committed, (count) => count === 40);
    expect(await bus.deadLetters.count()).toBe(1);
    expect(seen.toSorted((a, b) => a - b)).toEqual(upTo(40).slice(1));
  });

  it('is asked for before anything is consumed, when it may not be made', async () => {
    await makeTopics(rig.topic, `${rig.topic}.g.replay`);
    const bus = rig.bus({ createTopics: false, consumerGroup: 'g' });
    bus.subscribeToAllEvents(() => undefined);
    const starting = bus.startConsuming();
    await expect(starting).rejects.toThrow(ConfigurationError);
    await expect(starting).rejects.toThrow(letters());
  });
});
