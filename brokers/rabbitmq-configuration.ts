import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';

export interface RabbitServerOptions {
  /** For a TLS listener beside the plain one. */
  readonly tls?: RabbitTls;
  /** Passwords by user, beside `guest`; each may do everything in every virtual host. */
  readonly users?: Readonly<Record<string, string>>;
  /** Virtual hosts beside `/`. */
  readonly vhosts?: readonly string[];
  /** More lines of `rabbitmq.conf`. */
  readonly configuration?: readonly string[];
}

/** Files in PEM. */
export interface RabbitTls {
  readonly certificateFile: string;
  readonly keyFile: string;
  /** Of those who signed clients' certificates. */
  readonly caFile: string;
  /** Whether a client needs a certificate. Default: false. */
  readonly requiresCertificate?: boolean;
}

/** Where a node listens. */
export interface RabbitPorts {
  readonly amqp: number;
  readonly tls?: number | undefined;
  readonly distribution: number;
  readonly epmd: number;
}

/** Writes what a node reads at its start: its listeners, and the users and virtual hosts that it must have. */
export async function writeRabbitConfiguration(
  folder: string,
  ports: RabbitPorts,
  { tls, users = {}, vhosts = [], configuration = [] }: RabbitServerOptions,
): Promise<void> {
  const definitions = join(folder, 'definitions.json');
  const lines = [
    `listeners.tcp.default = 127.0.0.1:${ports.amqp}`,
    `load_definitions = ${definitions}`,
    ...(tls === undefined ? [] : tlsListener(tls, ports.tls)),
    ...configuration,
  ];
  await writeFile(join(folder, 'rabbitmq.conf'), `${lines.join('\n')}\n`);
  await writeFile(join(folder, 'plugins'), '[].\n');
  await writeFile(definitions, JSON.stringify(definitionsOf({ guest: 'guest', ...users }, ['/', ...vhosts])));
}

function tlsListener(tls: RabbitTls, port: number | undefined): string[] {
  const { certificateFile, keyFile, caFile, requiresCertificate = false } = tls;
  return [
    `listeners.ssl.default = 127.0.0.1:${port}`,
    `ssl_options.certfile = ${certificateFile}`,
    `ssl_options.keyfile = ${keyFile}`,
    `ssl_options.cacertfile = ${caFile}`,
    `ssl_options.verify = ${requiresCertificate ? 'verify_peer' : 'verify_none'}`,
    `ssl_options.fail_if_no_peer_cert = ${requiresCertificate}`,
  ];
}

/** A node that is given any makes no user or virtual host by itself. */
function definitionsOf(users: Readonly<Record<string, string>>, vhosts: readonly string[]) {
  const all = { configure: '.*', write: '.*', read: '.*' };
  return {
    users: Object.entries(users).map(([name, password]) => ({ name, password, tags: 'administrator' })),
    vhosts: vhosts.map((name) => ({ name })),
    permissions: Object.keys(users).flatMap((user) => vhosts.map((vhost) => ({ user, vhost, ...all }))),
  };
}
