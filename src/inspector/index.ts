import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { hostname } from 'node:os';
import type { BrokerEventBus } from '../bus/api.ts';
import { parseOptions } from '../bus/options.ts';
import { CHART_STYLE } from '../charts/svg-style.ts';
import { defaultLogger } from '../observability/default-logger.ts';
import { Access } from './access.ts';
import { readAssets } from './assets.ts';
import { Follower } from './follower.ts';
import { loadPackages } from './load-packages.ts';
import { inspectorOptionsSchema, urlHost, type InspectorOptions } from './options.ts';
import { routes } from './routes.ts';

export type { InspectorOptions } from './options.ts';

/** A page that shows one bus. */
export interface Inspector extends AsyncDisposable {
  /** Where to open it; the token is part of it, so whoever has it may look. */
  readonly url: string;
  /** Settles when somebody has opened the page for the first time; never, if nobody does. */
  readonly opened: Promise<void>;
  /** Resolves once no socket or timer is left. Idempotent. */
  close(): Promise<void>;
}

/**
 * Serves a page that shows what the bus does, until it is closed. It needs no internet, and keeps no process alive.
 * @throws {ConfigurationError} naming every wrong option.
 * @throws {DriverMissingError} when one of the packages that it needs isn't installed.
 */
export async function startInspector(
  bus: BrokerEventBus,
  options: InspectorOptions = {},
): Promise<Inspector> {
  const given = parseOptions(inspectorOptionsSchema, options, 'startInspector');
  const { port = 0, host = '127.0.0.1', allowedHosts = [], allowActions = false, payloads = 'none' } = given;
  const token = given.token ?? randomBytes(24).toString('base64url');
  const packages = await loadPackages();
  const assets = await readAssets({
    '/uplot.js': packages.uplot.script,
    '/uplot.css': packages.uplot.style,
    '/chart.css': Buffer.from(CHART_STYLE),
  });
  const closing = new AbortController();
  const access = new Access({ token, hosts: ['localhost', host, ...allowedHosts], allowActions });
  const follower = new Follower(
    bus,
    { allowActions, payloads, host: hostname(), pid: process.pid },
    payloads,
  );
  const app = routes({ packages, access, assets, follower, payloads, closing: closing.signal });
  const server = packages.serve({ fetch: app.fetch, port, hostname: host }) as Server;
  try {
    await once(server, 'listening');
  } catch (error) {
    follower.close();
    throw error;
  }
  // Such as that the process has no file descriptor left for a connection: without a listener it would end for it.
  server.on('error', (error) => defaultLogger.error({ err: error }, 'The inspector could not serve a page.'));
  server.unref();
  server.on('connection', (socket) => socket.unref());
  let closed: Promise<void> | undefined;
  const close = (): Promise<void> => (closed ??= closeAll(server, follower, closing));
  const { port: taken } = server.address() as AddressInfo;
  return {
    url: `http://${urlHost(host)}:${taken}/#token=${token}`,
    opened: follower.opened,
    close,
    [Symbol.asyncDispose]: close,
  };
}

async function closeAll(server: Server, follower: Follower, closing: AbortController): Promise<void> {
  follower.close();
  closing.abort();
  const closed = once(server, 'close');
  server.close();
  server.closeAllConnections();
  await closed;
}
