import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';

/** What a {@link FaultProxy} does to the connections through it. */
export type ProxyMode =
  /** Hands everything on. */
  | 'pass'
  /** Cuts every connection with RST, and refuses new ones the same way. */
  | 'rst'
  /** Accepts and swallows: bytes of neither side arrive, and nobody is told. */
  | 'blackhole'
  /** The broker hears us; its answers don't come back. */
  | 'half-open';

/** A loopback TCP proxy that stands between a driver and its broker, and breaks the way between them on demand. */
export interface FaultProxy {
  readonly host: string;
  readonly port: number;
  readonly mode: ProxyMode;
  /** Connections open through it now. */
  readonly connections: number;
  /** Changes what happens to open and new connections from now on. */
  set(mode: ProxyMode): void;
  /**
   * Passes again. Connections that lost bytes while swallowed are reset, as their streams have holes; the others go on.
   */
  heal(): void;
  /** Resets what is open; resolves once the port is free. Idempotent. */
  close(): Promise<void>;
}

interface Pair {
  readonly client: Socket;
  readonly server: Socket;
  hasLostBytes: boolean;
}

/** Listens on a free port of 127.0.0.1 and passes on to `target`; resolves once it listens. */
export async function startProxy(target: {
  readonly host: string;
  readonly port: number;
}): Promise<FaultProxy> {
  const pairs = new Set<Pair>();
  let mode: ProxyMode = 'pass';
  let closing: Promise<void> | undefined;

  const cut = (pair: Pair) => {
    pairs.delete(pair);
    reset(pair.client);
    reset(pair.server);
  };

  const accept = (client: Socket) => {
    if (mode === 'rst') {
      client.on('error', ignore);
      reset(client);
      return;
    }
    // In a black hole the broker isn't even reached; the connection then has a hole from its first byte on.
    const server = connect({ host: target.host, port: target.port });
    const pair: Pair = { client, server, hasLostBytes: false };
    pairs.add(pair);
    client.setNoDelay(true);
    server.setNoDelay(true);
    relay(pair, client, server, () => mode !== 'blackhole');
    relay(pair, server, client, () => mode === 'pass');
  };

  const relay = (pair: Pair, from: Socket, to: Socket, isOpen: () => boolean) => {
    from.on('data', (chunk: Buffer) => {
      if (!isOpen()) pair.hasLostBytes = true;
      else if (!to.write(chunk)) {
        from.pause();
        to.once('drain', () => from.resume());
      }
    });
    // A swallowed end is lost like any byte: the other side must not learn of it.
    from.on('end', () => {
      if (isOpen()) to.end();
      else pair.hasLostBytes = true;
    });
    from.on('error', ignore);
    from.on('close', (hadError) => {
      if (hadError && isOpen()) cut(pair);
      else if (to.destroyed) pairs.delete(pair);
      else if (!isOpen()) pair.hasLostBytes = true;
    });
  };

  // Half-closed sockets stay open, or Node would end the side whose FIN we swallow.
  const listener = createServer({ allowHalfOpen: true }, accept);
  listener.listen(0, '127.0.0.1');
  await once(listener, 'listening');
  const { address, port } = listener.address() as AddressInfo;

  return {
    host: address,
    port,
    get mode() {
      return mode;
    },
    get connections() {
      return pairs.size;
    },
    set(next) {
      mode = next;
      if (next === 'rst') for (const pair of pairs) cut(pair);
    },
    heal() {
      mode = 'pass';
      for (const pair of pairs) if (pair.hasLostBytes) cut(pair);
    },
    close() {
      closing ??= new Promise((resolve) => {
        listener.close(() => resolve());
        for (const pair of pairs) cut(pair);
      });
      return closing;
    },
  };
}

/** While its end is on its way a socket can't be reset: Node would call it destroyed and leave it open for ever. */
function reset(socket: Socket): void {
  if (socket.writableEnded && !socket.writableFinished) socket.destroy();
  else socket.resetAndDestroy();
}

function ignore(): void {}
