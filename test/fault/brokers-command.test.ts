import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect } from 'amqplib';
import { execa } from 'execa';
import { Redis } from 'ioredis';
import { Kafka, logLevel } from 'kafkajs';
import { afterEach, beforeEach, describe, expect, inject, it } from 'vitest';
import { portCount } from '../../brokers/development-brokers.ts';
import { isTaken } from '../../brokers/ports.ts';
import { isRunning } from '../support/processes.ts';
import { createTopics } from '../support/kafka-topics.ts';

const root = join(import.meta.dirname, '../..');
const programs = [inject('redisServer'), inject('rabbitmqServer'), inject('kafkaProgram')];

describe('npm run brokers', { timeout: 120_000 }, () => {
  let folder: string;
  let firstPort: number;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'buschart-brokers-'));
    firstPort = await freePorts();
  });
  afterEach(async () => {
    await brokers('down');
    await rm(folder, { recursive: true });
  });

  /** The command as a user runs it, but in a place of its own. */
  function brokers(...args: string[]) {
    return run(process.env['PATH'], '--folder', folder, '--ports', String(firstPort), ...args);
  }
  const pidOf = async (name: string) =>
    Number((await readFile(join(folder, name, `${name}.process`), 'utf8')).split('\n')[0]);

  describe.skipIf(programs.includes(undefined))('with Redis, RabbitMQ and Kafka', () => {
    it('starts them, which outlive it and keep their data, and ends them', async () => {
      const up = await brokers('up');
      expect(up).toMatchObject({ exitCode: 0 });
      expect(up.stdout.split('\n')).toEqual([
        `export REDIS_URL=redis://127.0.0.1:${firstPort}`,
        `export RABBITMQ_URL=amqp://guest:guest@127.0.0.1:${firstPort + 1}`,
        `export KAFKA_BOOTSTRAP_SERVERS=127.0.0.1:${firstPort + 4}`,
      ]);
      const pids = [await pidOf('redis'), await pidOf('rabbitmq'), await pidOf('kafka')];
      const { stdout } = await brokers('up', 'redis');
      expect(stdout).toBe(`export REDIS_URL=redis://127.0.0.1:${firstPort}`);
      expect(await pidOf('redis')).toBe(pids[0]);
      const clients = clientsOf(firstPort);
      await clients.write();
      expect(await brokers('status')).toMatchObject({ exitCode: 0 });

      expect(await brokers('down')).toMatchObject({ exitCode: 0 });
      expect(pids.filter(isRunning)).toEqual([]);
      for (let port = firstPort; port < firstPort + portCount; port++)
        expect(await isTaken(port)).toBe(false);
      expect(await brokers('status')).toMatchObject({ exitCode: 1 });

      expect(await brokers('up')).toMatchObject({ exitCode: 0, stdout: up.stdout });
      expect(await clients.read()).toEqual({ redis: 'kept', rabbitmq: 'kept', kafka: ['kept'] });
    });

    it('leaves what was up, and nothing half-started, when it is interrupted', async () => {
      await brokers('up', 'redis');
      const up = brokers('up');
      await expect.poll(() => pidOf('rabbitmq').catch(() => 0), { timeout: 10_000 }).toBeGreaterThan(0);
      const pid = await pidOf('rabbitmq');
      up.kill('SIGINT');
      expect(await up).toMatchObject({ exitCode: 130 });
      expect(isRunning(pid)).toBe(false);
      const { stdout } = await brokers('status');
      expect(stdout).toMatch(/^redis +up/m);
      expect(stdout).toMatch(/^rabbitmq +down/m);
      expect(await isTaken(firstPort + 3)).toBe(false);
    });
  });

  it('tells of each what to install', async () => {
    const up = await run('/nowhere', '--folder', folder, '--ports', String(firstPort), 'up');
    expect(up).toMatchObject({ exitCode: 1, stdout: '' });
    expect(up.stderr).toMatch(/redis .*apt-get install redis-server/);
    expect(up.stderr).toMatch(/rabbitmq .*apt-get install (rabbitmq-server|erlang-base)/);
    expect(up.stderr).toMatch(/kafka .*apt-get install default-jre-headless/);
  });

  it('refuses what it does not know', async () => {
    const up = await brokers('up', 'mongo');
    expect(up).toMatchObject({ exitCode: 1, stdout: '' });
    expect(up.stderr).toContain('redis, rabbitmq, kafka');
    expect((await brokers('--ports', 'none', 'status')).stderr).toContain('ports');
  });
});

function run(path: string | undefined, ...args: string[]) {
  return execa(process.execPath, ['--import', 'tsx', 'brokers/main.ts', ...args], {
    cwd: root,
    reject: false,
    extendEnv: false,
    env: { PATH: path },
  });
}

function clientsOf(firstPort: number) {
  const kafka = new Kafka({ brokers: [`127.0.0.1:${firstPort + 4}`], logLevel: logLevel.NOTHING });
  const rabbitUrl = `amqp://guest:guest@127.0.0.1:${firstPort + 1}`;
  return {
    async write() {
      const redis = new Redis(firstPort, '127.0.0.1');
      await redis.set('key', 'kept');
      redis.disconnect();
      const connection = await connect(rabbitUrl);
      const channel = await connection.createConfirmChannel();
      await channel.assertQueue('kept', { durable: true });
      channel.sendToQueue('kept', Buffer.from('kept'), { persistent: true });
      await channel.waitForConfirms();
      await connection.close();
      const admin = kafka.admin();
      await admin.connect();
      await createTopics(admin, [{ topic: 'kept' }]);
      await admin.disconnect();
    },
    async read() {
      const redis = new Redis(firstPort, '127.0.0.1');
      const value = await redis.get('key');
      redis.disconnect();
      const connection = await connect(rabbitUrl);
      const message = await (await connection.createChannel()).get('kept');
      await connection.close();
      const admin = kafka.admin();
      await admin.connect();
      const topics = await admin.listTopics();
      await admin.disconnect();
      return {
        redis: value,
        rabbitmq: message === false ? undefined : String(message.content),
        kafka: topics,
      };
    },
  };
}

/** The first of a row below those that the system hands out. */
async function freePorts(): Promise<number> {
  for (let attempt = 0; attempt < 100; attempt++) {
    const first = 20_000 + Math.floor(Math.random() * 10_000);
    const ports = Array.from({ length: portCount }, (_, offset) => first + offset);
    if (!(await Promise.all(ports.map((port) => isTaken(port)))).includes(true)) return first;
  }
  throw new Error('No free ports');
}
