import type { DrainReport } from 'buschart';
import type { Place } from './places.ts';

/** What all workers of a run have in common. */
export interface RunOptions {
  readonly place: Place;
  readonly seed: number;
  readonly inspect: boolean;
}

/** How a worker process is started; handed over as one JSON argument. */
export interface WorkerOptions extends RunOptions {
  readonly name: string;
  readonly journalPath: string;
}

export type ToWorker = { readonly kind: 'repair' } | { readonly kind: 'drain' };

export type FromWorker =
  | { readonly kind: 'consuming' }
  | { readonly kind: 'inspected'; readonly url: string }
  | { readonly kind: 'repaired' }
  | { readonly kind: 'drained'; readonly report: DrainReport }
  | { readonly kind: 'failed'; readonly message: string };
