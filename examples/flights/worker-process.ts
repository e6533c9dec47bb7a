import { type ChildProcess, fork } from 'node:child_process';
import type { DrainReport } from 'buschart';
import { type Fact, JournalReader } from './journal.ts';
import { Problem } from './problem.ts';
import type { FromWorker, ToWorker, WorkerOptions } from './worker-messages.ts';

/** A consumer process as its parent sees it: commands, answers, and the journal that outlives it. */
export class WorkerProcess {
  readonly name: string;
  /** Facts read from its journal so far. */
  facts = 0;
  readonly #process: ChildProcess;
  readonly #journal: JournalReader;
  readonly #exited: Promise<void>;
  #dismissed = false;
  #failure: string | undefined;

  private constructor(options: WorkerOptions, journal: JournalReader) {
    this.name = options.name;
    this.#journal = journal;
    this.#process = fork(new URL('./worker.ts', import.meta.url), [JSON.stringify(options)]);
    this.#exited = new Promise((resolve) => this.#process.once('exit', () => resolve()));
    this.#process.on('error', (error) => (this.#failure = error.message));
    this.#process.on('message', (message: FromWorker) => {
      if (message.kind === 'failed') this.#failure = message.message;
      if (message.kind === 'inspected') console.log(`${this.name}: ${message.url}`);
    });
  }

  static async spawn(options: WorkerOptions): Promise<WorkerProcess> {
    return new WorkerProcess(options, await JournalReader.open(options.journalPath));
  }

  /** To be called once, right after spawning. */
  async consuming(): Promise<void> {
    await this.#answer('consuming');
  }

  get isAlive(): boolean {
    return this.#process.exitCode === null && this.#process.signalCode === null;
  }

  /** @throws {Problem} when it ended although nobody asked it to. */
  check(): void {
    if (this.isAlive || this.#dismissed) return;
    throw new Problem(`Worker ${this.name} ended by itself: ${this.#failure ?? this.#lastWords}`);
  }

  /** Hands over what it has written since the last call. */
  async readJournal(apply: (fact: Fact) => void): Promise<void> {
    this.facts += await this.#journal.read(apply);
  }

  async repair(): Promise<void> {
    if (!this.isAlive) return;
    this.#tell({ kind: 'repair' });
    await this.#answer('repaired');
  }

  /** Undefined for one that isn't there any more. */
  async drain(): Promise<DrainReport | undefined> {
    if (!this.isAlive) return undefined;
    this.#dismissed = true;
    this.#tell({ kind: 'drain' });
    const { report } = await this.#answer('drained');
    await this.#exited;
    return report;
  }

  /** SIGKILL: it can't finish, release or say anything. */
  async kill(): Promise<void> {
    this.#dismissed = true;
    this.#process.kill('SIGKILL');
    await this.#exited;
  }

  closeJournal(): Promise<void> {
    return this.#journal.close();
  }

  #tell(message: ToWorker): void {
    this.#process.send(message);
  }

  async #answer<K extends FromWorker['kind']>(kind: K): Promise<Extract<FromWorker, { kind: K }>> {
    const listening = new AbortController();
    try {
      return await Promise.race([this.#message(kind, listening.signal), this.#untilExit()]);
    } finally {
      listening.abort();
    }
  }

  #message<K extends FromWorker['kind']>(kind: K, signal: AbortSignal) {
    return new Promise<Extract<FromWorker, { kind: K }>>((resolve) => {
      const listener = (message: FromWorker): void => {
        if (message.kind === kind) resolve(message as Extract<FromWorker, { kind: K }>);
      };
      this.#process.on('message', listener);
      signal.addEventListener('abort', () => this.#process.off('message', listener));
    });
  }

  async #untilExit(): Promise<never> {
    await this.#exited;
    throw new Problem(`Worker ${this.name} ended by itself: ${this.#failure ?? this.#lastWords}`);
  }

  get #lastWords(): string {
    return this.#process.signalCode ?? `exit code ${this.#process.exitCode}`;
  }
}
