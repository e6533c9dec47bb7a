import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ConnectionError } from 'buschart';
import type { Destination, TransportHarness } from 'buschart/testing';
import { TransportEventBus, type Transport } from 'buschart/transport';
import { WINDOW } from '../../examples/file-transport/source.ts';
import { FileTransport, type FileConnection } from '../../examples/file-transport/transport.ts';

/** What a user who has written a transport hands to the conformance suite and to the model. */
export function fileHarness(): TransportHarness {
  let root: string;
  const disks = new Map<string, Disk>();
  const diskOf = ({ name, way = '' }: Destination): Disk => {
    const disk = disks.get(`${name}/${way}`) ?? new Disk(join(root, name));
    disks.set(`${name}/${way}`, disk);
    return disk;
  };

  return {
    abilities: { ...new FileTransport('').capabilities, consumesByItself: false },
    window: WINDOW,
    async start() {
      root = await mkdtemp(join(tmpdir(), 'buschart-files-'));
    },
    stop: () => rm(root, { recursive: true }),
    destination: (testId) => ({ name: `${testId}-${randomUUID()}`, group: 'workers' }),
    makeBus: (destination, options) => new TransportEventBus(diskOf(destination).transport, options),
    async putRaw(destination, message) {
      const connection = await new FileTransport(join(root, destination.name)).connect(
        AbortSignal.timeout(1_000),
      );
      await connection.publish([{ ...message, attributes: {} }]);
      await connection.close();
    },
    async cleanUp({ name }) {
      for (const key of disks.keys()) if (key.startsWith(`${name}/`)) disks.delete(key);
      await rm(join(root, name), { recursive: true, force: true });
    },
    faults: {
      cut: (destination) => diskOf(destination).fail(),
      heal: (destination) => Promise.resolve(diskOf(destination).mend()),
      wayTo: (destination) => Promise.resolve({ ...destination, way: randomUUID() }),
    },
    probe: {
      pending: async (destination, group) => (await diskOf(destination).info(group)).pendingMessages,
      dlqDepth: async (destination, group) => (await diskOf(destination).info(group)).dlqMessages,
    },
  };
}

/**
 * One folder, on a disk that can go away: with the last connection everything is closed, and read again afterwards. Those
 * who mounted it another way don't notice.
 */
class Disk {
  readonly transport: Transport;
  readonly #files: FileTransport;
  readonly #open = new Set<FileConnection>();
  #isGone = false;

  constructor(folder: string) {
    const files = new FileTransport(folder);
    this.#files = files;
    this.transport = {
      name: files.name,
      destination: files.destination,
      capabilities: files.capabilities,
      connect: async (signal) => {
        if (this.#isGone) throw new ConnectionError('The disk is gone.');
        const connection = await files.connect(signal);
        this.#open.add(connection);
        void connection.closed.then(() => this.#open.delete(connection));
        return connection;
      },
    };
  }

  async fail(): Promise<void> {
    this.#isGone = true;
    const error = new ConnectionError('The disk went away.');
    await Promise.all([...this.#open].map((connection) => connection.end(error)));
  }

  mend(): void {
    this.#isGone = false;
  }

  async info(group: string) {
    const connection = await this.#files.connect(AbortSignal.timeout(1_000));
    const info = await connection.info(group);
    await connection.close();
    return info;
  }
}
