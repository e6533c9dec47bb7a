import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { DrainReport } from 'buschart';
import type { Fact } from './journal.ts';
import type { RunOptions } from './worker-messages.ts';
import { WorkerProcess } from './worker-process.ts';

/** The consumer processes of one run, dead ones included, and the folder of their journals. */
export class WorkerPool implements AsyncDisposable {
  readonly #workers: WorkerProcess[] = [];
  readonly #options: RunOptions;
  readonly #directory: string;

  private constructor(options: RunOptions, directory: string) {
    this.#options = options;
    this.#directory = directory;
  }

  /** Resolves once all of them consume. */
  static async start(count: number, options: RunOptions): Promise<WorkerPool> {
    const pool = new WorkerPool(options, await mkdtemp(join(tmpdir(), 'buschart-flights-')));
    try {
      const names = Array.from({ length: count }, (_, index) => `worker-${index + 1}`);
      const started = await Promise.allSettled(names.map((name) => pool.#add(name)));
      const failed = started.find((result) => result.status === 'rejected');
      if (failed !== undefined) throw failed.reason;
      return pool;
    } catch (error) {
      await pool[Symbol.asyncDispose]();
      throw error;
    }
  }

  async #add(name: string): Promise<void> {
    // A replacement must not write on where the line of its predecessor may have broken off.
    const journalPath = join(this.#directory, `${name}-${randomUUID()}.jsonl`);
    const worker = await WorkerProcess.spawn({ ...this.#options, name, journalPath });
    this.#workers.push(worker);
    await worker.consuming();
  }

  /**
   * Hands over what all workers have written since the last call.
   * @throws {Problem} when a worker ended by itself.
   */
  async readJournals(apply: (fact: Fact) => void): Promise<void> {
    for (const worker of this.#workers) await worker.readJournal(apply);
    for (const worker of this.#workers) worker.check();
  }

  /**
   * Kills the busiest worker and starts another under its name: a consumer that comes back takes up first what its
   * predecessor left.
   */
  async killAndReplace(): Promise<string> {
    const [busiest] = this.#workers.filter((worker) => worker.isAlive).sort((a, b) => b.facts - a.facts);
    if (busiest === undefined) throw new Error('no worker is left to kill');
    await busiest.kill();
    await this.#add(busiest.name);
    return busiest.name;
  }

  async repair(): Promise<void> {
    await Promise.all(this.#workers.map((worker) => worker.repair()));
  }

  /** Reports of those still alive; resolves once they have exited. */
  async drain(): Promise<readonly DrainReport[]> {
    const reports = await Promise.all(this.#workers.map((worker) => worker.drain()));
    return reports.filter((report) => report !== undefined);
  }

  /** Leaves no process and no file. */
  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.allSettled(this.#workers.map((worker) => worker.drain()));
    await Promise.allSettled(this.#workers.map((worker) => worker.closeJournal()));
    await rm(this.#directory, { recursive: true, force: true });
  }
}
