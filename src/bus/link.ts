import type { Capabilities, Transport } from '../contracts/transport.ts';
import type { EmbeddedDeadLetters } from './dead-lettering.ts';

/** Where the events of a bus go: through a transport, or nowhere but to its own handlers. */
export interface Link {
  /** Undefined on the embedded bus. */
  readonly transport: Transport | undefined;
  /** Used on the embedded bus only. */
  readonly deadLetters?: EmbeddedDeadLetters;
  readonly capabilities: Capabilities;
  readonly destination: string;
  /** In memory: what is sent is stored at once, and its publish waits for the handlers. */
  readonly isStoredOnceSent: boolean;
  /** False where nobody else could take what a draining bus gives back: then it is finished instead. */
  readonly canRelease: boolean;
  /** A group is given only what its subscriptions have asked for. */
  readonly bindsTypes?: boolean;
  /** Retries wait at the broker, for so many milliseconds at most; undefined where they wait in this process. */
  readonly longestDeferMs?: number | undefined;
  /**
   * Lag of the group in the partitions that this bus has. There where metrics are wanted under eventsource-py's names too,
   * which have it so.
   */
  readonly partitionLags?: () => Promise<
    readonly { readonly topic: string; readonly partition: number; readonly lag: number }[]
  >;
}
