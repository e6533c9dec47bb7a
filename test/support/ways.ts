import { randomUUID } from 'node:crypto';
import {
  startProxy,
  type Destination,
  type FaultProxy,
  type TransportFaults,
} from '../../src/testing/index.ts';

/** The ways to the destinations of one broker: straight, or through a proxy each once a test has asked for faults. */
export class Ways implements TransportFaults {
  readonly #target: { readonly host: string; readonly port: number };
  readonly #proxies = new Map<string, FaultProxy>();

  constructor(target: { readonly host: string; readonly port: number }) {
    this.#target = target;
  }

  /** Undefined where the way is straight. */
  proxyOf(destination: Destination): FaultProxy | undefined {
    return this.#proxies.get(nameOf(destination));
  }

  async prepare(destination: Destination): Promise<void> {
    this.#proxies.set(nameOf(destination), await startProxy(this.#target));
  }

  async wayTo(destination: Destination): Promise<Destination> {
    const by = { ...destination, way: randomUUID() };
    await this.prepare(by);
    return by;
  }

  cut(destination: Destination): Promise<void> {
    return Promise.resolve(this.proxyOf(destination)?.set('rst'));
  }

  heal(destination: Destination): Promise<void> {
    return Promise.resolve(this.proxyOf(destination)?.heal());
  }

  /** Closes every way there. */
  async close({ name }: Destination): Promise<void> {
    const own = [...this.#proxies].filter(([key]) => key === name || key.startsWith(`${name}/`));
    for (const [key] of own) this.#proxies.delete(key);
    await Promise.all(own.map(([, proxy]) => proxy.close()));
  }
}

/** The same address, but by way of what listens there. */
export function urlBy(url: string, { host, port }: { readonly host: string; readonly port: number }): string {
  const by = new URL(url);
  by.hostname = host;
  by.port = String(port);
  return by.href;
}

const nameOf = ({ name, way }: Destination): string => (way === undefined ? name : `${name}/${way}`);
