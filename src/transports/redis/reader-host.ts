import type { Link } from './link.ts';

/** What a reader needs of its connection. */
export interface ReaderHost {
  readonly commands: Link;
  openReader(): Promise<{ readonly link: Link; readonly clientId: number }>;
  /** Ends the whole connection. */
  fail(error: Error): void;
  /** The reader is over, and needn't be told when the connection is. */
  left(reader: object): void;
}
