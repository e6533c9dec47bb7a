import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Guard } from './guard.ts';
import type { ServerPlan } from './server-plan.ts';
import { ServerProcess } from './server-process.ts';

/** A server of one's own on the loopback interface: it may be killed, frozen and emptied. Its data outlive a kill. */
export interface PrivateServer {
  /** What clients connect to; for Kafka a list of bootstrap servers, `127.0.0.1:9092`. */
  readonly url: string;
  readonly port: number;
  /** Its data, configuration and log, until `stop`. */
  readonly folder: string;
  /** Of the server's process; undefined while none runs. */
  readonly pid: number | undefined;
  /** Ends the process at once, as a crash would; resolves once it's gone. */
  kill(): Promise<void>;
  /** Stops the process where it stands: connections stay open and nothing answers. */
  freeze(): void;
  /** Lets a frozen process go on. */
  thaw(): void;
  /** Runs it again on the same port and data; resolves once it answers. Does nothing while it runs. */
  start(): Promise<void>;
  /** Ends it and removes its data. Idempotent. */
  stop(): Promise<void>;
}

/** An empty folder for a server that {@link startPrivately} runs. */
export function temporaryFolder(broker: string): Promise<string> {
  return mkdtemp(join(tmpdir(), `buschart-${broker}-`));
}

/**
 * Runs a server until `stop`, or until this process ends in whichever way.
 * @throws {Error} with the last words of the program that didn't start; nothing is left then.
 */
export async function startPrivately(plan: ServerPlan, port: number): Promise<PrivateServer> {
  const { url, folder } = plan;
  const guard = new Guard(folder);
  const processes = plan.programs.map((program) => new ServerProcess(program, folder));
  const server = processes.at(-1)!;
  const stop = async () => {
    for (const process of processes.toReversed()) await process.kill();
    await guard.end();
  };
  try {
    await plan.prepare();
    for (const process of processes) await process.start(guard);
  } catch (error) {
    await stop();
    throw error;
  }
  return {
    url,
    port,
    folder,
    get pid() {
      return server.pid;
    },
    kill: () => server.kill(),
    freeze: () => server.freeze(),
    thaw: () => server.thaw(),
    start: () => server.start(guard),
    stop,
  };
}
