/**
 * Worth a count, and a log line unless `isRepeated`: a group made again, entries lost by trimming, an event that nobody is
 * bound to.
 */
export interface TransportNotice {
  readonly kind:
    | 'group-recreated'
    | 'trimmed'
    | 'claimed'
    | 'late-ack'
    | 'dead-letters-dropped'
    | 'unroutable'
    | 'delivery-timeout'
    | 'rebalanced'
    | 'foreign-topics'
    | 'committed'
    | 'leases-renewed'
    | 'stalled'
    | 'reading-ended'
    | 'stood-still';
  readonly count: number;
  readonly detail: string;
  /** Counted, and not worth another line in the log. */
  readonly isRepeated?: boolean;
}
