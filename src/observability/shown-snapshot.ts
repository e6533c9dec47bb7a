import type { AnyActorRef, Snapshot } from 'xstate';
import type { BusContext } from '../../machines/bus-input.ts';
import type { ConnectionContext } from '../../machines/connection.ts';
import type { ConsumerContext } from '../../machines/consumption.ts';
import type { Supervised } from '../../machines/deliveries.ts';
import type { DeliveryContext } from '../../machines/delivery.impl.ts';
import type { HandlerFlow } from '../../machines/handler-flow.ts';
import type { SubscriptionContext } from '../../machines/subscription.ts';
import type { Payloads } from './inspection.ts';
import { ShownError, shownText } from './shown-error.ts';
import { shownEvent } from './shown-payload.ts';

const shownIf = (error: unknown): ShownError | undefined =>
  error === undefined ? undefined : ShownError.of(error);

/** What of each machine's context is shown: named one by one, because the rest is code, connections and users' data. */
const CONTEXTS: Readonly<Record<string, (context: never, payloads: Payloads) => object>> = {
  bus: ({ connection, transport, hasConsumer, isConsumerReady, isPaused, report, error }: BusContext) => ({
    transport: transport?.name ?? 'none',
    isConnected: connection !== undefined,
    hasConsumer,
    isConsumerReady,
    isPaused,
    report,
    error: shownIf(error),
  }),
  connection: ({ transport, attempts, error }: ConnectionContext) => ({
    where: transport.where,
    attempts,
    error: shownIf(error),
  }),
  consumer: ({ flow, group, subscribeAttempts, deliveries, lastProblem }: ConsumerContext) => ({
    group: group?.name,
    consumer: group?.consumer,
    open: flow.open,
    pulled: flow.pulled,
    window: flow.window,
    // The keys themselves are aggregate ids.
    blockingKeys: flow.blockingKeys.length,
    deliveries,
    subscribeAttempts,
    lastProblem: lastProblem && shownText(lastProblem),
  }),
  subscription: ({ name, eventTypes, deliveries, handler }: SubscriptionContext) => ({
    name,
    eventTypes: eventTypes ?? 'all',
    deliveries,
    timeoutMs: handler.timeoutMs,
  }),
  handler: ({ flow }: { readonly flow: HandlerFlow }) => flow.toJSON(),
  delivery: ({ dispatch, runs, storeAttempts, outcome }: DeliveryContext, payloads) => ({
    ...shownEvent(dispatch.event, dispatch.headers, payloads),
    deliveryCount: dispatch.delivery?.deliveryCount,
    handlers: runs.toJSON(),
    errors: runs.failures.map(({ subscription, error }) => ({ subscription, error: ShownError.of(error) })),
    storeAttempts,
    outcome,
  }),
};

interface AnySnapshot {
  readonly status?: string;
  readonly value?: unknown;
  readonly context?: unknown;
  readonly tags?: ReadonlySet<string>;
  readonly error?: unknown;
}

/** An actor's snapshot as an observer may see it. */
export function shownSnapshot(actor: AnyActorRef, snapshot: unknown, payloads: Payloads): Snapshot<unknown> {
  // The root has none while it is being made.
  const { status = 'active', value, context, tags, error } = (snapshot ?? {}) as AnySnapshot;
  const shown: Record<string, unknown> = { status, output: undefined, error: shownIf(error) };
  if (value !== undefined) shown['value'] = value;
  if (tags !== undefined) shown['tags'] = [...tags];
  const own = logicId(actor);
  if (own === 'deliveries')
    shown['context'] = { deliveries: (snapshot as Supervised | undefined)?.deliveries.size ?? 0 };
  else if (context !== undefined && own !== undefined)
    shown['context'] = CONTEXTS[own]?.(context as never, payloads) ?? {};
  return shown as unknown as Snapshot<unknown>;
}

/** The id of the chart that an actor runs; undefined for promises and callbacks. */
export function logicId(actor: object): string | undefined {
  const { config } = (actor as { readonly logic?: { readonly config?: unknown } }).logic ?? {};
  return typeof config === 'object' && config !== null ? (config as { id?: string }).id : undefined;
}
