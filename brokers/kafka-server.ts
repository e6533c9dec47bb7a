import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { Kafka, logLevel } from 'kafkajs';
import {
  type KafkaListener,
  type KafkaPorts,
  kafkaProperties,
  scramCredentials,
} from './kafka-properties.ts';
import { freePort } from './ports.ts';
import { type PrivateServer, startPrivately, temporaryFolder } from './private-server.ts';
import type { Command, ServerPlan } from './server-plan.ts';

export type { KafkaListener, KafkaPorts, KafkaTls } from './kafka-properties.ts';

/** What runs a Kafka server. */
export interface KafkaProgram {
  /** A `java` of version 17 or later. */
  readonly java: string;
  /** The folder with the server's jars. */
  readonly jars: string;
}

/** A Kafka broker of one's own, its own controller too; `url` is its plain listener. */
export interface KafkaServer extends PrivateServer {
  /** Addresses such as `127.0.0.1:9093` of the other listeners, by name. */
  readonly listeners: Readonly<Record<string, string>>;
}

export interface KafkaServerOptions {
  /** More properties of the server, which go before those set here, such as `auto.create.topics.enable` (it's `true`). */
  readonly properties?: Readonly<Record<string, string>>;
  /** Beside the plain one. */
  readonly listeners?: readonly KafkaListener[];
  /**
   * Arguments of the Java machine. By default those of one that is small and up soon, which is not what a bench wants.
   */
  readonly jvmArguments?: readonly string[];
}

/** Small, and up in some 3 seconds, but slower in the long run than it could be. */
const quickStart = ['-Xmx384m', '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1', '-Xshare:auto'];

/** Sixteen bytes; a folder that was formatted before must be given the same. */
const clusterId = Buffer.from('buschart-brokers').toString('base64url');

/**
 * A broker that was killed isn't let in again before the session of the one before has run out: with the server's
 * 9 seconds every restart took 12, with these it takes 3.
 */
const soonBack = { 'broker.session.timeout.ms': '1500', 'broker.heartbeat.interval.ms': '300' };

/** Starts a private broker on free ports of the loopback interface; resolves once it answers, in some 3 seconds. */
export async function startKafkaServer(
  program: KafkaProgram,
  options: KafkaServerOptions = {},
): Promise<KafkaServer> {
  const ports: KafkaPorts = { plain: await freePort(), controller: await freePort(), others: {} };
  for (const { name } of options.listeners ?? []) ports.others[name] = await freePort();
  const plan = kafkaPlan(program, await temporaryFolder('kafka'), ports, {
    ...options,
    properties: { ...soonBack, ...options.properties },
  });
  const server = await startPrivately(plan, ports.plain);
  const listeners = Object.entries(ports.others).map(([name, port]) => [name, `127.0.0.1:${port}`] as const);
  return Object.assign(server, { listeners: Object.fromEntries(listeners) });
}

export function kafkaPlan(
  program: KafkaProgram,
  folder: string,
  ports: KafkaPorts,
  options: KafkaServerOptions = {},
): ServerPlan {
  const { listeners = [], properties = {}, jvmArguments = quickStart } = options;
  const url = `127.0.0.1:${ports.plain}`;
  const configuration = join(folder, 'server.properties');
  return {
    url,
    folder,
    async prepare() {
      const lines = kafkaProperties(folder, ports, listeners, properties);
      await writeFile(configuration, `${lines.join('\n')}\n`, { mode: 0o600 });
      const format = ['kafka.tools.StorageTool', 'format', '--ignore-formatted', '--config', configuration];
      format.push('--cluster-id', clusterId);
      for (const credential of scramCredentials(listeners)) format.push('--add-scram', credential);
      const { file, args } = java(program, quickStart, format);
      await promisify(execFile)(file, args, { timeout: 60_000 });
    },
    programs: [
      {
        name: 'kafka',
        command: java(program, jvmArguments, ['kafka.Kafka', configuration]),
        isReady: () => kafkaAnswers(url),
        startTimeoutMs: 60_000,
      },
    ],
  };
}

function java(program: KafkaProgram, jvmArguments: readonly string[], main: readonly string[]): Command {
  const always = ['-Djava.awt.headless=true', '-Dorg.slf4j.simpleLogger.defaultLogLevel=warn'];
  return { file: program.java, args: [...jvmArguments, ...always, '-cp', join(program.jars, '*'), ...main] };
}

/** Whether a broker that has a controller answers there; within a second or two. */
export async function kafkaAnswers(servers: string): Promise<boolean> {
  const kafka = new Kafka({
    clientId: 'buschart-probe',
    brokers: servers.split(','),
    logLevel: logLevel.NOTHING,
    connectionTimeout: 1_000,
    requestTimeout: 1_000,
    retry: { retries: 0 },
  });
  const admin = kafka.admin();
  try {
    await admin.connect();
    const { brokers, controller } = await admin.describeCluster();
    return brokers.length > 0 && controller !== null;
  } catch {
    return false;
  } finally {
    await admin.disconnect().catch(() => undefined);
  }
}
