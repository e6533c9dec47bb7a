import { basename } from 'node:path';
import { afterEach, describe, expect, inject, it } from 'vitest';
import { runExample } from '../../support/example.ts';
import { Rig } from './rig.ts';

const servers = inject('kafkaServers');

describe.skipIf(servers === undefined)('the examples on Kafka', () => {
  const rig = new Rig(servers ?? 'none:9');
  afterEach(() => rig.close());
  const run = (file: string) =>
    runExample(file, { KAFKA_BOOTSTRAP_SERVERS: servers!, TOPIC_PREFIX: `${rig.prefix}.${basename(file)}` });

  it('handle what they publish in order, and end', async () => {
    expect(await run('kafka.ts')).toBe('meter-7: 1 kWh\nmeter-7: 2 kWh\nmeter-7: 3 kWh\n');
  });

  it('end with the block that they are made in', async () => {
    expect(await run('guide/kafka-scope.ts')).toBe('created for ada\nshipped in 2\nclosed\n');
  });

  it('keep the order of each aggregate across the members of a group', async () => {
    const account = (name: string) => `${name}: 25, in order\n`;
    expect(await run('partition-ordering.ts')).toBe(['ada', 'ben', 'cy', 'dee'].map(account).join(''));
  });
});
