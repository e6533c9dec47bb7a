import type { Headers, Message } from '../../contracts/message.ts';
import type { DeadLetterStore, StoredDeadLetter } from '../../contracts/transport.ts';
import { ConfigurationError, ConnectionError } from '../../errors.ts';
import { MemoryGroup, type MemoryDelivery } from './group.ts';

interface Ending {
  end(error: Error | undefined): void;
}

export interface MemoryBrokerOptions {
  /**
   * Events kept for a group while nobody consumes it, be it not yet or no longer: the newest ones, 0 or more (10,000).
   * The others are lost to it.
   */
  readonly maxRetained?: number;
  /** Dead letters kept; the oldest goes first, 1 or more (1000). */
  readonly maxDeadLetters?: number;
}

/**
 * A broker inside the process: several in-memory buses share its groups, as processes share those of a real one. What
 * it holds is gone with the process.
 */
export class MemoryBroker implements DeadLetterStore {
  readonly #maxRetained: number;
  readonly #maxDeadLetters: number;
  readonly #groups = new Map<string, MemoryGroup>();
  readonly #retained: Message[] = [];
  #deadLetters: StoredDeadLetter[] = [];
  readonly #connections = new Set<Ending>();
  #isDown = false;
  #sequence = 0;

  /** @throws {ConfigurationError} when an option is out of its range. */
  constructor(options: MemoryBrokerOptions = {}) {
    const { maxRetained = 10_000, maxDeadLetters = 1000 } = options;
    for (const [name, value, least] of [
      ['maxRetained', maxRetained, 0],
      ['maxDeadLetters', maxDeadLetters, 1],
    ] as const)
      if (!Number.isInteger(value) || value < least)
        throw new ConfigurationError(`${name} must be an integer of ${least} or more, not ${value}.`);
    this.#maxRetained = maxRetained;
    this.#maxDeadLetters = maxDeadLetters;
  }

  /** Made when it isn't there; it begins with the oldest event retained. */
  group(name: string): MemoryGroup {
    let group = this.#groups.get(name);
    if (group === undefined) {
      group = new MemoryGroup(name, this, this.#maxRetained);
      for (const message of this.#retained) group.add(message, 'memory');
      this.#groups.set(name, group);
    }
    return group;
  }

  /** Undefined where there is none of that name. */
  find(name: string): MemoryGroup | undefined {
    return this.#groups.get(name);
  }

  /** Hands a message to every group; returns its deliveries, some of which are taken already. */
  append(message: Message): MemoryDelivery[] {
    this.#retained.push(message);
    if (this.#retained.length > this.#maxRetained) this.#retained.shift();
    return [...this.#groups.values()].map((group) => group.add(message, 'memory'));
  }

  /** For tests: whether it refuses connections. */
  get isDown(): boolean {
    return this.#isDown;
  }

  /** For tests: cuts every connection and refuses new ones until {@link start}. What it holds stays. */
  crash(): void {
    this.#isDown = true;
    for (const connection of [...this.#connections])
      connection.end(new ConnectionError('The memory broker crashed.'));
  }

  /** For tests: takes connections again. */
  start(): void {
    this.#isDown = false;
  }

  opened(connection: Ending): void {
    this.#connections.add(connection);
  }

  ended(connection: Ending): void {
    this.#connections.delete(connection);
  }

  get retained(): number {
    return this.#retained.length;
  }

  /** Positions grow with time, and compare as text. */
  nextPosition(): string {
    return String(++this.#sequence).padStart(16, '0');
  }

  /** Stores a dead letter; returns how many older ones had to go. */
  add(message: Message, headers: Headers): number {
    const body = typeof message.body === 'string' ? Buffer.from(message.body, 'utf8') : message.body;
    this.#deadLetters.push({
      position: this.nextPosition(),
      message: { ...message, body, headers: { ...message.headers, ...headers } },
    });
    const excess = Math.max(0, this.#deadLetters.length - this.#maxDeadLetters);
    this.#deadLetters.splice(0, excess);
    return excess;
  }

  async *browse({
    group,
    after = '',
  }: Parameters<DeadLetterStore['browse']>[0]): AsyncGenerator<StoredDeadLetter[]> {
    yield await Promise.resolve(this.#of(group).filter(({ position }) => position > after));
  }

  depth(group: string): Promise<number> {
    return Promise.resolve(this.#of(group).length);
  }

  replay(letter: StoredDeadLetter, headers: Headers): Promise<boolean> {
    if (!this.#take(letter)) return Promise.resolve(false);
    this.group(letter.message.headers['x-group'] ?? '').add({ ...letter.message, headers }, 'memory:replay');
    return Promise.resolve(true);
  }

  remove(letters: readonly StoredDeadLetter[]): Promise<number> {
    return Promise.resolve(letters.filter((letter) => this.#take(letter)).length);
  }

  #of(group: string): StoredDeadLetter[] {
    if (group === '*') return this.#deadLetters;
    return this.#deadLetters.filter(({ message }) => message.headers['x-group'] === group);
  }

  #take(letter: StoredDeadLetter): boolean {
    const left = this.#deadLetters.filter(({ position }) => position !== letter.position);
    const wasThere = left.length < this.#deadLetters.length;
    this.#deadLetters = left;
    return wasThere;
  }
}
