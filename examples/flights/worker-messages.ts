import type { DrainReport } from 'buschart';

/** What all workers of a run have in common. */
export interface RunOptions {
  readonly redisUrl: string;
  readonly streamPrefix: string;
  readonly seed: number;
}

/** How a worker process is started; handed over as one JSON argument. */
export interface WorkerOptions extends RunOptions {
  readonly name: string;
  readonly journalPath: string;
}

export type ToWorker = { readonly kind: 'repair' } | { readonly kind: 'drain' };

export type FromWorker =
  | { readonly kind: 'consuming' }
  | { readonly kind: 'repaired' }
  | { readonly kind: 'drained'; readonly report: DrainReport }
  | { readonly kind: 'failed'; readonly message: string };

/** All workers are members of it; the parent belongs to it too, to see its dead letters and its lag. */
export const consumerGroup = 'flights';
