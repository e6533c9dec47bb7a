import type { Attributes } from '@opentelemetry/api';
import type { DomainEvent } from '../../contracts/event.ts';
import type { Transport } from '../../contracts/transport.ts';

/** Who talks to which broker, as spans say it. Metrics don't: each start of a process would be series of its own. */
export class Client {
  readonly #id: string;
  readonly #transport: Pick<Transport, 'where' | 'eventAttributes'> | undefined;
  #server: Attributes | undefined;

  /** @param id as the broker knows this consumer. */
  constructor(id: string, transport: Pick<Transport, 'where' | 'eventAttributes'> | undefined) {
    this.#id = id;
    this.#transport = transport;
  }

  describe(attributes: Attributes): void {
    attributes['messaging.client.id'] = this.#id;
    // Asked until it is known, and once: transports read it out of a URL.
    this.#server ??= serverOf(this.#transport?.where);
    Object.assign(attributes, this.#server);
  }

  /** The same, and what the transport says of an event that is published. */
  describePublish(attributes: Attributes, event: DomainEvent): void {
    this.describe(attributes);
    Object.assign(attributes, this.#transport?.eventAttributes?.(event));
  }
}

/** Of `host:port`, or the path of a socket. Of several brokers none is the one. */
function serverOf(where: string | undefined): Attributes | undefined {
  if (where === undefined) return undefined;
  if (where.includes(',')) return {};
  const [, host = where, port] = /^\[?(.+?)\]?:(\d+)$/.exec(where) ?? [];
  return { 'server.address': host, ...(port !== undefined && { 'server.port': Number(port) }) };
}
