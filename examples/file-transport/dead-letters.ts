import type { DeadLetterStore, Headers, Message, StoredDeadLetter } from 'buschart/transport';
import { Journal } from './journal.ts';
import { fromStored, toStored, type StoredMessage } from './stored-message.ts';

const PAGE = 100;

interface LetterRecord {
  readonly group: string;
  readonly letter: StoredMessage;
}

/** A line of the file: a dead letter, or the number of one that was replayed or purged. */
type DeadLetterRecord = LetterRecord | { readonly removed: number };

/** The dead letters of all groups in one file. */
export class DeadLetterFile implements DeadLetterStore {
  readonly #journal: Journal;
  /** By line: those that are there, with what tells two copies of one letter. */
  readonly #letters: Map<number, { readonly group: string; readonly id: string | undefined }>;
  readonly #replay: (group: string, message: Message) => Promise<void>;

  private constructor(
    journal: Journal,
    letters: Map<number, { group: string; id: string | undefined }>,
    replay: (group: string, message: Message) => Promise<void>,
  ) {
    this.#journal = journal;
    this.#letters = letters;
    this.#replay = replay;
  }

  /** @param replay Hands a message to that group alone; resolves once it is stored. */
  static async open(
    path: string,
    replay: (group: string, message: Message) => Promise<void>,
  ): Promise<DeadLetterFile> {
    const letters = new Map<number, { group: string; id: string | undefined }>();
    const journal = await Journal.open(path, (record, line) => {
      const read = record as DeadLetterRecord;
      if ('removed' in read) letters.delete(read.removed);
      else letters.set(line, { group: read.group, id: idOf(read.letter.headers) });
    });
    return new DeadLetterFile(journal, letters, replay);
  }

  /** Resolves once it is stored; a second copy of a letter that is there isn't. */
  async add(group: string, message: Message, headers: Headers): Promise<void> {
    const id = idOf(headers);
    for (const letter of this.#letters.values())
      if (letter.group === group && letter.id !== undefined && letter.id === id) return;
    const letter = toStored({ ...message, headers: { ...message.headers, ...headers } });
    const line = await this.#journal.append([{ group, letter } satisfies DeadLetterRecord]);
    this.#letters.set(line, { group, id });
  }

  async *browse({
    group,
    after,
  }: Parameters<DeadLetterStore['browse']>[0]): AsyncGenerator<StoredDeadLetter[]> {
    const from = after === undefined ? -1 : Number(after);
    const lines = this.#linesOf(group).filter((line) => line > from);
    for (let at = 0; at < lines.length; at += PAGE)
      yield await Promise.all(lines.slice(at, at + PAGE).map((line) => this.#read(line)));
  }

  depth(group: string): Promise<number> {
    return Promise.resolve(this.#linesOf(group).length);
  }

  async replay(stored: StoredDeadLetter, headers: Headers): Promise<boolean> {
    const line = Number(stored.position);
    const letter = this.#letters.get(line);
    // Taken away at once, so that of two calls for one letter only the first replays it.
    if (letter === undefined || !this.#letters.delete(line)) return false;
    try {
      await this.#replay(letter.group, { ...stored.message, headers });
    } catch (error) {
      this.#letters.set(line, letter);
      throw error;
    }
    await this.#journal.append([{ removed: line } satisfies DeadLetterRecord]);
    return true;
  }

  async remove(letters: readonly StoredDeadLetter[]): Promise<number> {
    const lines = letters.map(({ position }) => Number(position)).filter((line) => this.#letters.has(line));
    await this.#journal.append(lines.map((removed) => ({ removed }) satisfies DeadLetterRecord));
    return lines.filter((line) => this.#letters.delete(line)).length;
  }

  close(): Promise<void> {
    return this.#journal.close();
  }

  #linesOf(group: string): number[] {
    return [...this.#letters]
      .filter(([, letter]) => group === '*' || letter.group === group)
      .map(([line]) => line)
      .toSorted((one, other) => one - other);
  }

  async #read(line: number): Promise<StoredDeadLetter> {
    const [record] = (await this.#journal.read(line, line + 1)) as [LetterRecord];
    const { body, ...message } = fromStored(record.letter);
    const bytes = typeof body === 'string' ? Buffer.from(body) : body;
    return { position: String(line), message: { ...message, body: bytes } };
  }
}

const idOf = (headers: Headers): string | undefined => headers['x-dead-letter-id'];
