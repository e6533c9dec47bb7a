import { type FileHandle, open } from 'node:fs/promises';

/** What one handler did for one event: all that has to outlive the process that handled it. */
export type Fact =
  | readonly ['counted', eventId: string, airport: string, delayMinutes: number]
  | readonly ['notified', eventId: string, attempts: number]
  | readonly ['accepted', eventId: string]
  | readonly ['audited', eventId: string, eventType: string];

export interface Journal {
  /** Settles once the fact can't be lost any more; a handler awaits it before it returns. */
  append(fact: Fact): Promise<void> | void;
}

/** For a single process, which keeps what it handled in memory alone. */
export const noJournal: Journal = { append: () => undefined };

/**
 * A file of facts, one JSON array a line. What was written survives a SIGKILL of the process, because the operating
 * system has it by then; only a power cut would ask for an fsync.
 */
export class FileJournal implements Journal {
  readonly #file: FileHandle;
  #waiting: string[] = [];
  #written: Promise<void> = Promise.resolve();
  #nextBatch: Promise<void> | undefined;

  private constructor(file: FileHandle) {
    this.#file = file;
  }

  static async open(path: string): Promise<FileJournal> {
    return new FileJournal(await open(path, 'a'));
  }

  /** Facts that come while a batch is being written share the next one: a write per batch, not per event. */
  append(fact: Fact): Promise<void> {
    this.#waiting.push(JSON.stringify(fact));
    this.#nextBatch ??= this.#written.then(() => this.#writeBatch());
    return this.#nextBatch;
  }

  #writeBatch(): Promise<void> {
    const lines = this.#waiting.join('\n');
    this.#waiting = [];
    this.#nextBatch = undefined;
    // The newline in front keeps these facts apart from what a failed write may have left of a line.
    const batch = this.#file.appendFile(`\n${lines}\n`);
    this.#written = batch.catch(() => undefined);
    return batch;
  }

  async close(): Promise<void> {
    await (this.#nextBatch ?? this.#written).catch(() => undefined);
    await this.#file.close();
  }
}

/** Follows a journal while, and after, another process writes it. */
export class JournalReader {
  readonly #file: FileHandle;
  readonly #buffer = Buffer.allocUnsafe(1 << 20);
  #offset = 0;

  private constructor(file: FileHandle) {
    this.#file = file;
  }

  /** Makes the file when its writer hasn't yet. */
  static async open(path: string): Promise<JournalReader> {
    return new JournalReader(await open(path, 'a+'));
  }

  /** Hands over the facts written since the last call; never two calls at once. Returns how many. */
  async read(apply: (fact: Fact) => void): Promise<number> {
    let facts = 0;
    for (;;) {
      const { bytesRead } = await this.#file.read(this.#buffer, 0, this.#buffer.length, this.#offset);
      // What follows the last newline is being written, or was when its writer was killed: its handler hasn't
      // returned, so the bus delivers the event again.
      const end = this.#buffer.subarray(0, bytesRead).lastIndexOf('\n') + 1;
      if (end === 0) return facts;
      this.#offset += end;
      for (const line of this.#buffer.toString('utf8', 0, end).split('\n')) {
        const fact = parseFact(line);
        if (fact === undefined) continue;
        facts++;
        apply(fact);
      }
    }
  }

  close(): Promise<void> {
    return this.#file.close();
  }
}

function parseFact(line: string): Fact | undefined {
  if (line === '') return undefined;
  try {
    return JSON.parse(line) as Fact;
  } catch {
    return undefined;
  }
}
