import { execFile } from 'node:child_process';
import { dirname, join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { promisify } from 'node:util';
import { connect } from 'amqplib';
import { freePort, isTaken } from './ports.ts';
import { type PrivateServer, startPrivately, temporaryFolder } from './private-server.ts';
import {
  type RabbitServerOptions,
  type RabbitPorts,
  writeRabbitConfiguration,
} from './rabbitmq-configuration.ts';
import type { Command, ServerPlan } from './server-plan.ts';

export type { RabbitServerOptions, RabbitTls } from './rabbitmq-configuration.ts';

/** A RabbitMQ node of one's own. Its user is `guest`, of password `guest`; its pid is the Erlang machine's. */
export interface RabbitServer extends PrivateServer {
  /** Of the TLS listener, if there is one. */
  readonly tlsPort: number | undefined;
  /**
   * Runs `rabbitmqctl` against this node and resolves with what it printed, such as
   * `rabbitmqctl('set_vm_memory_high_watermark', '0.00001')`. Takes a second or two.
   * @throws {Error} with its words when it fails.
   */
  rabbitmqctl(...args: string[]): Promise<string>;
  /**
   * Has the node write down at once which queues there are, which it does in some seconds by itself. Before a kill: a
   * quorum queue that was declared a moment ago otherwise comes back empty and never finds a leader (seen on 3.10.8).
   */
  persistDeclarations(): Promise<void>;
}

/**
 * Starts a private node on free ports of the loopback interface; resolves once it takes connections, in some 5 seconds.
 * @param program The package's own `sbin/rabbitmq-server`; the one on PATH may change the user.
 */
export async function startRabbitServer(
  program: string,
  options: RabbitServerOptions = {},
): Promise<RabbitServer> {
  const ports: RabbitPorts = {
    amqp: await freePort(),
    tls: options.tls && (await freePort()),
    distribution: await freePort(),
    epmd: await freePort(),
  };
  const plan = rabbitPlan(program, await temporaryFolder('rabbitmq'), ports, options);
  const server = await startPrivately(plan, ports.amqp);
  const control = (...args: string[]) => rabbitmqctl(plan.control, args);
  return Object.assign(server, {
    tlsPort: ports.tls,
    rabbitmqctl: control,
    persistDeclarations: async () => void (await control('eval', '[ok = dets:sync(T) || T <- dets:all()].')),
  });
}

/** With the command that runs `rabbitmqctl` against the node. */
export function rabbitPlan(
  program: string,
  folder: string,
  ports: RabbitPorts,
  options: RabbitServerOptions = {},
): ServerPlan & { readonly control: Command } {
  const url = `amqp://guest:guest@127.0.0.1:${ports.amqp}`;
  const env = {
    HOME: folder,
    ERL_CRASH_DUMP: join(folder, 'erl_crash.dump'),
    // An epmd of its own, so that the machine's needn't run, and hears nothing of this node.
    ERL_EPMD_PORT: String(ports.epmd),
    ERL_EPMD_ADDRESS: '127.0.0.1',
    RABBITMQ_NODENAME: `buschart-${ports.amqp}@localhost`,
    RABBITMQ_DIST_PORT: String(ports.distribution),
    RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS: '-kernel inet_dist_use_interface {127,0,0,1}',
    RABBITMQ_MNESIA_BASE: join(folder, 'mnesia'),
    RABBITMQ_LOG_BASE: join(folder, 'log'),
    RABBITMQ_LOGS: '-',
    RABBITMQ_PID_FILE: join(folder, 'pid'),
    RABBITMQ_FEATURE_FLAGS_FILE: join(folder, 'feature_flags'),
    RABBITMQ_ENABLED_PLUGINS_FILE: join(folder, 'plugins'),
    RABBITMQ_CONFIG_FILE: join(folder, 'rabbitmq.conf'),
    // None of these is there; unnamed, the machine's own would be read.
    RABBITMQ_CONFIG_FILES: join(folder, 'conf.d'),
    RABBITMQ_ADVANCED_CONFIG_FILE: join(folder, 'advanced.config'),
    RABBITMQ_CONF_ENV_FILE: join(folder, 'rabbitmq-env.conf'),
    RABBITMQ_NODE_PORT: undefined,
    // The script then turns into the Erlang machine instead of waiting for it, so that its pid is the node's.
    RABBITMQ_ALLOW_INPUT: '1',
  };
  return {
    url,
    folder,
    prepare: () => writeRabbitConfiguration(folder, ports, options),
    programs: [
      {
        name: 'epmd',
        command: { file: 'epmd', args: ['-port', String(ports.epmd), '-address', '127.0.0.1'] },
        isReady: () => isTaken(ports.epmd),
        startTimeoutMs: 10_000,
      },
      {
        name: 'rabbitmq',
        command: { file: program, args: ['-noinput'], env },
        isReady: async () => (await rabbitVersion(url)) !== undefined,
        startTimeoutMs: 60_000,
      },
    ],
    control: { file: join(dirname(program), 'rabbitmqctl'), args: ['--quiet'], env },
  };
}

/** The version of the RabbitMQ at that address, such as `3.10.8`; undefined when none takes connections within a second. */
export async function rabbitVersion(url: string): Promise<string | undefined> {
  try {
    const connection = await connect(url, { timeout: 1_000 });
    connection.on('error', () => undefined);
    const { version } = connection.connection.serverProperties;
    // One that froze meanwhile doesn't say that it has closed.
    await Promise.race([connection.close(), pause(1_000, undefined, { ref: false })]);
    return version;
  } catch {
    return undefined;
  }
}

async function rabbitmqctl({ file, args, env }: Command, more: readonly string[]): Promise<string> {
  const { stdout } = await promisify(execFile)(file, [...args, ...more], {
    env: { ...process.env, ...env },
    timeout: 60_000,
  });
  return stdout;
}
