import { fromCallback, fromPromise, type EventObject } from 'xstate';
import type { Connection, Delivery, Interest, Source } from '../src/contracts/transport.ts';
import type { TransportNotice } from '../src/contracts/transport-notice.ts';
import type { DeliverySettings } from './delivery.impl.ts';
import type { Flow, FlowCounts } from './flow.ts';
import type { DeliveriesState } from './troubles.ts';

/** Why a consumer that got nothing started over, until it gets something. */
export const STALLED = 'there was lag, and nothing came';

export interface ConsumerInput {
  readonly flow: Flow;
  readonly deliverySettings: DeliverySettings;
  readonly random: () => number;
  /** Undefined on the embedded bus, whose publishes come without a broker. */
  readonly group: { readonly name: string; readonly consumer: string } | undefined;
  /** Present when the connection stands already. */
  readonly connection: Connection | undefined;
  /** What its subscriptions ask for at the moment. */
  readonly interest: () => Interest;
  /** Told once the group is given all that; see {@link Source.want}. */
  readonly bound: (interest: Interest) => void;
  readonly notice: (notice: TransportNotice) => void;
}

export interface ConsumerContext extends ConsumerInput {
  readonly source: Source | undefined;
  readonly subscribeAttempts: number;
  readonly deliveries: DeliveriesState;
  /** What was pulled when progress was last looked at. */
  readonly pulledBefore: number;
  /** Why it last had to start over; undefined while all went well. */
  readonly lastProblem: string | undefined;
  readonly drainTimeoutMs: number;
  /** The flow's counts when draining began. */
  readonly countsBefore: FlowCounts | undefined;
}

export const contextOf = (input: ConsumerInput): ConsumerContext => ({
  ...input,
  source: undefined,
  subscribeAttempts: 0,
  deliveries: 'flowing',
  pulledBefore: 0,
  lastProblem: undefined,
  drainTimeoutMs: Infinity,
  countsBefore: undefined,
});

/** What became of the deliveries during a drain. */
export interface DrainCounts {
  /** Acknowledged, dead-lettered or dropped. */
  readonly settled: number;
  readonly released: number;
  /** Begun, and cut off by the timeout. */
  readonly aborted: number;
}

export type ConsumerEvent =
  | { readonly type: 'deliveries'; readonly batch: readonly Delivery[] }
  | { readonly type: 'advance' }
  | { readonly type: 'idle' }
  | { readonly type: 'lanes.changed'; readonly isBlocked: boolean }
  | { readonly type: 'deliveries.changed'; readonly now: DeliveriesState }
  | { readonly type: 'handler.removed'; readonly subscription: string }
  | { readonly type: 'connection.opened'; readonly connection: Connection }
  | { readonly type: 'connection.lost' }
  | { readonly type: 'source.opened'; readonly source: Source }
  | { readonly type: 'source.ready' }
  | { readonly type: 'source.ended'; readonly error: unknown }
  /** No further try can help until somebody changes the options, or what the broker has. */
  | { readonly type: 'source.refused'; readonly error: unknown }
  | { readonly type: 'source.stalled' }
  | { readonly type: 'subscriptions.changed' }
  | { readonly type: 'pause' }
  | { readonly type: 'resume' }
  /** Milliseconds until what still runs is cut off; Infinity leaves that to the bus. */
  | { readonly type: 'drain'; readonly timeoutMs: number }
  | { readonly type: 'abort' };

/** Reads a source until it ends; a batch is one message to the consumer. */
export const pump = fromCallback<EventObject, ConsumerContext>(
  ({ input: { connection, group, interest, notice, flow }, sendBack }) => {
    if (connection === undefined || group === undefined) return;
    const ended = (error: unknown): void => {
      const isRefused = (error as { code?: unknown } | undefined)?.code === 'CONFIGURATION';
      sendBack({ type: isRefused ? 'source.refused' : 'source.ended', error });
    };
    let source: Source;
    try {
      source = connection.subscribe({
        group: group.name,
        consumer: group.consumer,
        interest: interest(),
        notice,
      });
    } catch (error) {
      ended(error);
      return;
    }
    // Before the first read: what is pulled where nobody wants anything would be passed over for the whole group.
    if (!flow.isWanted) source.pause();
    sendBack({ type: 'source.opened', source });
    void source.ready.then(() => sendBack({ type: 'source.ready' }));
    void (async () => {
      try {
        for await (const batch of source) sendBack({ type: 'deliveries', batch });
        ended(undefined);
      } catch (error) {
        ended(error);
      }
    })();
    return () => void source.stop().catch(() => undefined);
  },
);

/** Why the source has ended, in words. */
export function endOfReading(event: ConsumerEvent): string {
  const error = event.type === 'source.ended' ? event.error : undefined;
  return error === undefined ? 'reading ended' : `reading ended: ${(error as Error).message}`;
}

export function tellReadingAnew(
  { notice }: ConsumerContext,
  kind: 'reading-ended' | 'stalled',
  why: string,
  isRepeated = false,
): void {
  notice({ kind, count: 1, detail: `The consumer reads anew: ${why}.`, ...(isRepeated && { isRepeated }) });
}

/** Asks for what is subscribed to now; where that fails the source ends too, and asks again when it is opened. */
export async function widen({ source, interest, bound }: ConsumerContext): Promise<void> {
  const now = interest();
  await source?.want?.(now);
  bound(now);
}

export const stopSource = fromPromise<void, ConsumerContext>(async ({ input }) => input.source?.stop());

/** Resolves once every settlement is stored, over a new connection if need be. */
export const closeSource = fromPromise<void, ConsumerContext>(async ({ input }) => input.source?.close());

/** Where nothing comes, either nothing is published, or the group is no longer given it, or reading has stopped. */
export const askLag = fromPromise<number, ConsumerContext>(
  async ({ input: { connection, group, source } }) => {
    if (connection === undefined) return 0;
    await source?.reassert?.();
    return (await (source?.lag?.() ?? connection.info(group?.name).then(({ lag }) => lag))) ?? 0;
  },
);

export function drainCounts({ flow, countsBefore }: ConsumerContext, wasAborted: boolean): DrainCounts {
  const since = (outcome: keyof FlowCounts): number => flow.counts[outcome] - (countsBefore?.[outcome] ?? 0);
  return {
    settled: since('acked') + since('dead-lettered') + since('dropped'),
    released: since('released'),
    aborted: wasAborted ? flow.open : 0,
  };
}
