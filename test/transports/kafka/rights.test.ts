import {
  type Admin,
  AclOperationTypes,
  AclPermissionTypes,
  AclResourceTypes,
  ResourcePatternTypes,
} from 'kafkajs';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, inject, it } from 'vitest';
import type { KafkaServer } from '../../../brokers/kafka-server.ts';
import { ConfigurationError, PublishError } from '../../../src/index.ts';
import { createTopics } from '../../support/kafka-topics.ts';
import type { KafkaEventBus } from '../../../src/transports/kafka/index.ts';
import { ALICE, asAlice, startGuardedKafka } from './guarded-kafka.ts';
import { eventually, Placed, placed, Rig } from './rig.ts';

const program = inject('kafkaProgram');

describe.skipIf(program === undefined)('a user of Kafka whose rights do not reach', () => {
  let server: KafkaServer;
  let rig: Rig;
  let rights: Parameters<Admin['createAcls']>[0]['acl'] = [];
  beforeAll(async () => (server = await startGuardedKafka(program!)), 60_000);
  beforeEach(async () => {
    rig = new Rig(server.url);
    await rig.admin((admin) =>
      createTopics(
        admin,
        [rig.topic, `${rig.topic}.dlq`, `${rig.topic}.g.replay`].map((topic) => ({ topic })),
      ),
    );
  });
  afterEach(async () => {
    await rig.admin((admin) => admin.deleteAcls({ filters: rights }));
    rights = [];
    await rig.close();
  });
  afterAll(() => server.stop());

  async function deny(
    resourceType: AclResourceTypes,
    resourceName: string,
    operation: AclOperationTypes,
  ): Promise<void> {
    const whose = {
      resourceType,
      resourceName,
      resourcePatternType: ResourcePatternTypes.LITERAL,
      host: '*',
      principal: ALICE,
    };
    // Where anything is said of a resource, nobody may do what isn't.
    rights = [
      { ...whose, operation: AclOperationTypes.ALL, permissionType: AclPermissionTypes.ALLOW },
      { ...whose, operation, permissionType: AclPermissionTypes.DENY },
    ];
    await rig.admin((admin) => admin.createAcls({ acl: rights }));
  }

  const bus = (): KafkaEventBus => rig.bus({ ...asAlice(server), consumerGroup: 'g' });

  it.each([
    ['read its group', AclResourceTypes.GROUP, AclOperationTypes.READ, (): string => '"g"'],
    ['know of its group', AclResourceTypes.GROUP, AclOperationTypes.ALL, (): string => '"g"'],
    ['read the events', AclResourceTypes.TOPIC, AclOperationTypes.READ, (): string => rig.topic],
    [
      'read its replays',
      AclResourceTypes.TOPIC,
      AclOperationTypes.READ,
      (): string => `${rig.topic}.g.replay`,
    ],
    [
      'know of its replays',
      AclResourceTypes.TOPIC,
      AclOperationTypes.ALL,
      (): string => `${rig.topic}.g.replay`,
    ],
  ] as const)('to %s, ends consuming for good, and says which', async (_, resource, operation, nameOf) => {
    await deny(resource, nameOf().replaceAll('"', ''), operation);
    const consumer = bus();
    consumer.subscribe(Placed, () => undefined);
    const refusal: unknown = await consumer.startConsuming().catch((error: unknown) => error);
    expect(refusal).toBeInstanceOf(ConfigurationError);
    expect(String(refusal)).toMatch(/not authorized/i);
    expect(String(refusal)).toContain(nameOf());
  });

  it('to know of the events, may not connect', async () => {
    await deny(AclResourceTypes.TOPIC, rig.topic, AclOperationTypes.ALL);
    await expect(bus().connect()).rejects.toThrow(ConfigurationError);
  });

  it('to publish, rejects what it publishes at once, and goes on consuming', async () => {
    await deny(AclResourceTypes.TOPIC, rig.topic, AclOperationTypes.WRITE);
    const seen: number[] = [];
    const consumer = bus();
    consumer.subscribe(Placed, ({ n }) => void seen.push(n));
    await consumer.startConsumingInBackground();
    const refusal: unknown = await consumer.publish(placed(1)).catch((error: unknown) => error);
    expect(refusal).toBeInstanceOf(PublishError);
    expect(refusal).toMatchObject({ unknown: [] });
    expect(String(refusal)).toMatch(/not authorized/i);
    await rig.bus().publish(placed(3));
    await eventually(
      () => seen.length,
      (count) => count === 3,
    );
  });
});
