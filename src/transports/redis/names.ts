import type { RedisSettings } from './options.ts';

/** Owner of entries that were given back: nobody reads under this name, so anybody may take them. */
export const RELEASED = 'released';

/** Keys of one destination. On a cluster all must lie in one slot: scripts touch several at once. */
export class RedisNames {
  readonly #prefix: string;
  /** Where events go. */
  readonly stream: string;
  /** Dead letters of all groups. */
  readonly deadLetters: string;

  constructor(settings: Pick<RedisSettings, 'streamPrefix' | 'dlqStreamSuffix'>, keyPrefix: string) {
    this.#prefix = `${keyPrefix}${settings.streamPrefix}`;
    this.stream = `${this.#prefix}:stream`;
    this.deadLetters = `${this.stream}${settings.dlqStreamSuffix}`;
  }

  /** What is replayed to one group alone. */
  replays(group: string): string {
    return `${this.#prefix}:stream:group:${group}`;
  }

  /** Expires when the consumer has died. */
  liveness(group: string, consumer: string): string {
    return `${this.#prefix}:hb:${group}:${consumer}`;
  }

  /** Remembers for a while that a dead letter was stored, for the case that the reply got lost. */
  deadLetterMarker(id: string): string {
    return `${this.#prefix}:dl:${id}`;
  }

  get hasHashTag(): boolean {
    return /\{[^}]+\}/.test(this.#prefix);
  }
}

/** Orders stream ids (`milliseconds-sequence`). */
export function compareIds(a: string, b: string): number {
  const [aTime = '', aSequence = '0'] = a.split('-');
  const [bTime = '', bSequence = '0'] = b.split('-');
  return Number(aTime) - Number(bTime) || Number(aSequence) - Number(bSequence);
}

/** What all incarnations of one consumer have in front of their names, `~` included; undefined without a `~`. */
export function incarnationPrefix(consumer: string): string | undefined {
  const end = consumer.lastIndexOf('~');
  return end < 0 ? undefined : consumer.slice(0, end + 1);
}
