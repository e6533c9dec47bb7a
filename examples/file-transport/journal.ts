import { type FileHandle, open } from 'node:fs/promises';
import { dirname } from 'node:path';

const NEWLINE = '\n'.charCodeAt(0);

interface Append {
  readonly lines: readonly Buffer[];
  readonly stored: (first: number) => void;
  readonly failed: (error: unknown) => void;
}

/**
 * A file of JSON lines that only grows. A line counts once it is on the disk; half a line at the end, which a killed
 * process leaves behind, never counted and is cut off at opening. Of what it holds only the place of each line is in memory.
 */
export class Journal {
  readonly #file: FileHandle;
  /** Where each line begins. */
  readonly #begins: number[];
  #size: number;
  #queue: Append[] = [];
  #writing: Promise<void> | undefined = undefined;
  #damage: Error | undefined = undefined;

  private constructor(file: FileHandle, begins: number[], size: number) {
    this.#file = file;
    this.#begins = begins;
    this.#size = size;
  }

  /** @param visit Is shown every line that is there. */
  static async open(
    path: string,
    visit: (record: unknown, line: number) => void = () => undefined,
  ): Promise<Journal> {
    // Not 'a': on Linux it would append wherever we ask it to write.
    const file = await open(path, 'r+').catch(() => open(path, 'wx+'));
    const begins: number[] = [];
    let size = 0;
    let rest = Buffer.alloc(0);
    for await (const chunk of file.createReadStream({ start: 0, autoClose: false })) {
      rest = Buffer.concat([rest, chunk as Buffer]);
      for (let end = rest.indexOf(NEWLINE); end >= 0; end = rest.indexOf(NEWLINE)) {
        visit(JSON.parse(rest.subarray(0, end).toString()), begins.length);
        begins.push(size);
        size += end + 1;
        rest = rest.subarray(end + 1);
      }
    }
    await file.truncate(size);
    // A new file is on the disk once its folder is.
    const folder = await open(dirname(path));
    await folder.sync();
    await folder.close();
    return new Journal(file, begins, size);
  }

  /** Lines stored. */
  get length(): number {
    return this.#begins.length;
  }

  /** Resolves with the number of the first one once all are on the disk. What is asked for meanwhile shares the next write. */
  append(records: readonly object[]): Promise<number> {
    const lines = records.map((record) => Buffer.from(`${JSON.stringify(record)}\n`));
    return new Promise((stored, failed) => {
      this.#queue.push({ lines, stored, failed });
      this.#writing ??= this.#write();
    });
  }

  /** Lines `from` up to, and without, `to`. */
  async read(from: number, to: number): Promise<unknown[]> {
    const begin = this.#begins[from] ?? this.#size;
    const bytes = Buffer.alloc((this.#begins[to] ?? this.#size) - begin);
    for (let done = 0; done < bytes.length;) {
      const { bytesRead } = await this.#file.read(bytes, done, bytes.length - done, begin + done);
      if (bytesRead === 0) throw new Error('The file is shorter than it was.');
      done += bytesRead;
    }
    return bytes
      .toString()
      .split('\n')
      .slice(0, -1)
      .map((line) => JSON.parse(line) as unknown);
  }

  /** Resolves once everything asked for is on the disk, or has failed. */
  async close(): Promise<void> {
    await this.#writing;
    await this.#file.close();
  }

  async #write(): Promise<void> {
    while (this.#queue.length > 0) {
      const appends = this.#queue;
      this.#queue = [];
      const lines = appends.flatMap(({ lines }) => lines);
      try {
        if (this.#damage !== undefined) throw this.#damage;
        await this.#put(Buffer.concat(lines));
        for (const { lines, stored } of appends) {
          const first = this.#begins.length;
          for (const line of lines) {
            this.#begins.push(this.#size);
            this.#size += line.length;
          }
          stored(first);
        }
      } catch (error) {
        // On a full disk half of it may be there; what follows must not be written behind that.
        await this.#file.truncate(this.#size).catch(() => (this.#damage = error as Error));
        for (const { failed } of appends) failed(error);
      }
    }
    this.#writing = undefined;
  }

  async #put(bytes: Buffer): Promise<void> {
    for (let done = 0; done < bytes.length;)
      done += (await this.#file.write(bytes, done, bytes.length - done, this.#size + done)).bytesWritten;
    await this.#file.datasync();
  }
}
