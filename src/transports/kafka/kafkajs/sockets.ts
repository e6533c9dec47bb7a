import { connect as connectPlainly, Socket } from 'node:net';
import { connect as connectSecurely, type ConnectionOptions } from 'node:tls';
import type { ISocketFactory } from 'kafkajs';
import type { KafkaAddress } from '../options.ts';

/**
 * The sockets of one kafkajs client, so that it can be ended at once: its own disconnect waits for a broker that doesn't
 * answer, and dials again meanwhile.
 */
export class Sockets {
  readonly factory: ISocketFactory;
  /** Called when one closed that nobody here closed. */
  onClose: () => void = () => undefined;
  readonly #open = new Set<Socket>();
  #cause: Error | undefined;

  constructor(mapAddress: ((address: KafkaAddress) => KafkaAddress) | undefined) {
    this.factory = ({ host, port, ssl, onConnect }) => {
      const cause = this.#cause;
      if (cause !== undefined) {
        const dead = new Socket();
        setImmediate(() => dead.destroy(cause));
        return dead;
      }
      const address = mapAddress?.({ host, port }) ?? { host, port };
      const socket = dial(address, host, ssl as ConnectionOptions | false | undefined, onConnect);
      socket.setKeepAlive(true, 10_000);
      this.#open.add(socket);
      socket.once('close', () => {
        this.#open.delete(socket);
        if (this.#cause === undefined) this.onClose();
      });
      return socket;
    };
  }

  /** Destroys all there are, and every one that is asked for later. */
  cut(cause: Error): void {
    this.#cause ??= cause;
    for (const socket of this.#open) socket.destroy(this.#cause);
  }
}

/** A broker's certificate names the host that it tells, wherever it is reached. */
function dial(
  { host, port }: KafkaAddress,
  name: string,
  tls: ConnectionOptions | false | undefined,
  onConnect: () => void,
): Socket {
  if (!tls) return connectPlainly({ host, port, noDelay: true }, onConnect);
  const isName = /[a-z]/i.test(name) && !name.includes(':');
  const socket = connectSecurely({ host, port, ...(isName ? { servername: name } : {}), ...tls }, onConnect);
  return socket.setNoDelay(true);
}
