import { mkdir, readdir } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import type { Message } from 'buschart/transport';
import { DeadLetterFile } from './dead-letters.ts';
import { Group } from './group.ts';
import { Journal } from './journal.ts';
import { lock } from './lock.ts';
import { toStored } from './stored-message.ts';

const GROUP_FILE = /^group-(?<name>.+)\.jsonl$/;

/** One folder, open in this process alone: what its buses share as they would share a broker. */
export class FileStore {
  readonly log: Journal;
  readonly #folder: string;
  readonly #groups = new Map<string, Promise<Group>>();
  readonly #openGroups = new Map<string, Group>();
  #deadLetters: DeadLetterFile | undefined = undefined;
  readonly #unlock: () => Promise<void>;

  private constructor(folder: string, log: Journal, unlock: () => Promise<void>) {
    this.#folder = folder;
    this.log = log;
    this.#unlock = unlock;
  }

  /** @throws {Error} when another process has it open, or a file can't be read or written. */
  static async open(folder: string): Promise<FileStore> {
    await mkdir(folder, { recursive: true });
    const unlock = await lock(join(folder, 'lock'));
    try {
      const store = new FileStore(folder, await Journal.open(join(folder, 'log.jsonl')), unlock);
      await store.#openRest();
      return store;
    } catch (error) {
      await unlock();
      throw error;
    }
  }

  get deadLetters(): DeadLetterFile {
    return this.#deadLetters as DeadLetterFile;
  }

  /** Resolves once all are on the disk, and may be taken by the groups. */
  async publish(messages: readonly Message[]): Promise<void> {
    await this.log.append(messages.map(toStored));
    for (const group of this.#openGroups.values()) group.wake();
  }

  /** Made where there is none. */
  group(name: string): Promise<Group> {
    let group = this.#groups.get(name);
    if (group === undefined) {
      group = Group.open(name, this.log, join(this.#folder, `group-${encodeURIComponent(name)}.jsonl`));
      this.#groups.set(name, group);
      group.then(
        (open) => this.#openGroups.set(name, open),
        () => this.#groups.delete(name),
      );
    }
    return group;
  }

  /** Undefined where there is none. */
  find(name: string): Group | undefined {
    return this.#openGroups.get(name);
  }

  /** Writes what the disk refused before. */
  async save(): Promise<void> {
    for (const group of this.#openGroups.values()) await group.save();
  }

  async close(): Promise<void> {
    await Promise.allSettled(this.#groups.values());
    for (const group of this.#openGroups.values()) await group.close();
    await this.#deadLetters?.close();
    await this.log.close();
    await this.#unlock();
  }

  async #openRest(): Promise<void> {
    for (const file of await readdir(this.#folder)) {
      const name = GROUP_FILE.exec(file)?.groups?.['name'];
      if (name !== undefined) await this.group(decodeURIComponent(name));
    }
    this.#deadLetters = await DeadLetterFile.open(
      join(this.#folder, 'dead-letters.jsonl'),
      async (group, message) => (await this.group(group)).replay(message),
    );
  }
}

interface Shared {
  readonly store: Promise<FileStore>;
  users: number;
  closing: Promise<void> | undefined;
}

const stores = new Map<string, Shared>();

/** The store of that folder, which the connections of this process share, and what gives it up. */
export async function shareStore(
  folder: string,
): Promise<{ readonly store: FileStore; readonly leave: () => Promise<void> }> {
  const path = resolve(folder);
  for (let shared = stores.get(path); shared?.closing !== undefined; shared = stores.get(path))
    await shared.closing;
  const shared = stores.get(path) ?? { store: FileStore.open(path), users: 0, closing: undefined };
  stores.set(path, shared);
  shared.users++;
  const leave = async (): Promise<void> => {
    if (--shared.users > 0) return;
    shared.closing = shared.store
      .then((store) => closeSaved(store))
      .catch(() => undefined)
      .finally(() => stores.delete(path));
    await shared.closing;
  };
  try {
    const store = await shared.store;
    await store.save();
    return { store, leave };
  } catch (error) {
    await leave();
    throw error;
  }
}

/** What the disk still refuses was handled, and will be handled again: delivery is at least once. */
async function closeSaved(store: FileStore): Promise<void> {
  await store.save().catch(() => undefined);
  await store.close();
}
