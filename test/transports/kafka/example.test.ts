import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { afterEach, describe, expect, inject, it } from 'vitest';
import { Rig } from './rig.ts';

const servers = inject('kafkaServers');

describe.skipIf(servers === undefined)('the example on Kafka', () => {
  const rig = new Rig(servers ?? 'none:9');
  afterEach(() => rig.close());

  it('handles what it publishes in order, and ends', async () => {
    const { stdout } = await promisify(execFile)(process.execPath, ['--import', 'tsx', 'examples/kafka.ts'], {
      env: { ...process.env, KAFKA_BOOTSTRAP_SERVERS: servers, TOPIC_PREFIX: rig.prefix },
      timeout: 25_000,
    });
    expect(stdout).toBe('meter-7: 1 kWh\nmeter-7: 2 kWh\nmeter-7: 3 kWh\n');
  });
});
