import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { withLock } from './file-lock.ts';
import { isTaken } from './ports.ts';
import { ProcessRecord } from './process-record.ts';
import type { ServerPlan, ServerProgram } from './server-plan.ts';
import { ServerProcess } from './server-process.ts';

/** It runs and answers; it runs and doesn't; it doesn't run. */
export type Standing = 'up' | 'silent' | 'down';

export interface DevelopmentBrokerOptions {
  readonly url: string;
  readonly folder: string;
  /** In the order in which they start; the last is the server itself. */
  readonly programs: readonly { readonly name: string; readonly ports: readonly number[] }[];
  /** Within two seconds or three. */
  answers(): Promise<boolean>;
  /** @throws {Error} telling what is missing, and how to install it. */
  plan(): Promise<ServerPlan>;
  /** After that, a program that was asked to end is killed. Default: 15,000. */
  readonly endTimeoutMs?: number;
}

const defaultEndTimeoutMs = 15_000;
const goneTimeoutMs = 5_000;
/** As long as another command may take to start or end it. */
const lockTimeoutMs = 120_000;

/** A broker that outlives the command that started it: always at the same place, with its data from the last time. */
export class DevelopmentBroker {
  readonly url: string;
  readonly folder: string;
  readonly #options: DevelopmentBrokerOptions;

  constructor(options: DevelopmentBrokerOptions) {
    this.#options = options;
    this.url = options.url;
    this.folder = options.folder;
  }

  /** Of the server; undefined while it doesn't run. */
  get pid(): number | undefined {
    return this.#record(this.#options.programs.at(-1)?.name ?? '').pid;
  }

  async standing(): Promise<Standing> {
    if (this.pid === undefined) return 'down';
    return (await this.#options.answers()) ? 'up' : 'silent';
  }

  /**
   * Starts it, unless it's up; resolves once it answers.
   * @param signal Ends what is being started.
   * @returns Whether it was started.
   * @throws {Error} when something is missing on this machine, or in its way.
   */
  async up(signal: AbortSignal): Promise<boolean> {
    await mkdir(this.folder, { recursive: true });
    return withLock(`${this.folder}.lock`, lockTimeoutMs, async () => {
      if ((await this.standing()) === 'up') return false;
      await this.#start(await this.#options.plan(), signal);
      return true;
    });
  }

  /**
   * Ends it, and keeps its data; resolves once it's gone. Kills it when it doesn't end in time.
   * @returns Whether there was anything to end.
   */
  async down(): Promise<boolean> {
    await mkdir(this.folder, { recursive: true });
    return withLock(`${this.folder}.lock`, lockTimeoutMs, async () => {
      let hasEnded = false;
      for (const { name } of this.#options.programs.toReversed())
        hasEnded = (await this.#end(name)) || hasEnded;
      return hasEnded;
    });
  }

  async #start(plan: ServerPlan, signal: AbortSignal): Promise<void> {
    const { programs } = this.#options;
    for (const { name, ports } of programs) {
      if (this.#record(name).pid !== undefined) continue;
      for (const port of ports) {
        if (await isTaken(port))
          throw new Error(`Port ${port} is taken by another program; --ports moves all brokers to others`);
      }
    }
    if (this.pid === undefined) await plan.prepare();
    const started: string[] = [];
    try {
      for (const program of plan.programs) {
        signal.throwIfAborted();
        if (await this.#run(program, signal)) started.push(program.name);
      }
    } catch (error) {
      for (const name of started.toReversed()) await this.#end(name);
      throw error;
    }
  }

  /** Resolves once the program is ready, with whether it was started here. */
  async #run(program: ServerProgram, signal: AbortSignal): Promise<boolean> {
    const record = this.#record(program.name);
    const { pid } = record;
    if (pid !== undefined) {
      if (await becomesTrue(program.isReady, program.startTimeoutMs)) return false;
      throw new Error(`It runs as process ${pid} and does not answer`);
    }
    const server = new ServerProcess(program, this.folder);
    const kill = () => void server.kill();
    signal.addEventListener('abort', kill);
    try {
      await server.start(record);
    } finally {
      signal.removeEventListener('abort', kill);
    }
    server.unref();
    return true;
  }

  async #end(name: string): Promise<boolean> {
    const record = this.#record(name);
    const { pid } = record;
    if (pid === undefined) return false;
    const isGone = () => Promise.resolve(record.pid === undefined);
    process.kill(pid, 'SIGTERM');
    // A frozen one would not hear it.
    process.kill(pid, 'SIGCONT');
    const { endTimeoutMs = defaultEndTimeoutMs } = this.#options;
    if (!(await becomesTrue(isGone, endTimeoutMs))) {
      process.kill(pid, 'SIGKILL');
      if (!(await becomesTrue(isGone, goneTimeoutMs))) throw new Error(`Process ${pid} can't be killed`);
    }
    record.release();
    return true;
  }

  #record(program: string): ProcessRecord {
    return new ProcessRecord(join(this.folder, `${program}.process`));
  }
}

async function becomesTrue(isTrue: () => Promise<boolean>, timeoutMs: number): Promise<boolean> {
  const deadline = performance.now() + timeoutMs;
  while (!(await isTrue())) {
    if (performance.now() > deadline) return false;
    await pause(50);
  }
  return true;
}
