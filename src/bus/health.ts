import type { Stats } from '../contracts/telemetry.ts';
import type { ConnectionInfo } from '../contracts/transport.ts';
import type { BusSnapshot } from '../../machines/index.ts';
import { STALLED } from '../../machines/consumption.ts';
import type { DeliveriesState } from '../../machines/troubles.ts';
import type { BusInfo, Health, HealthCondition } from './api.ts';
import { consumerOf, stateOf } from './states.ts';

const UNHEALTHY = {
  idle: 'not connected',
  connecting: 'not connected yet',
  draining: 'shutting down',
  stopped: 'stopped',
  failed: 'the broker refuses this bus',
} as const;

/** In these it neither works nor will by waiting. */
const DEAD: ReadonlySet<HealthCondition> = new Set(['failed', 'stopped']);
const UNREADY: ReadonlySet<HealthCondition> = new Set([
  ...DEAD,
  'idle',
  'connecting',
  'blocked',
  'stalled',
  'refused',
  'draining',
]);

const UNSTORED: Partial<Record<DeliveriesState, string>> = {
  deadLetterFailing: 'a dead letter',
  deferFailing: 'a retry that is to wait at the broker',
};

/** Degraded: it works, or will again by itself, but somebody should look. */
export function health(snapshot: BusSnapshot, stats: Stats): Health {
  const state = stateOf(snapshot);
  const found =
    state in UNHEALTHY
      ? [unhealthy(state as keyof typeof UNHEALTHY, snapshot.context.error)]
      : troubles(snapshot, stats);
  const conditions = found.map(([condition]) => condition);
  const isWell = conditions.every((condition) => condition === 'paused');
  return {
    status: state in UNHEALTHY ? 'unhealthy' : isWell ? 'healthy' : 'degraded',
    state,
    live: !conditions.some((condition) => DEAD.has(condition)),
    ready: !conditions.some((condition) => UNREADY.has(condition)),
    conditions,
    reasons: found.map(([, reason]) => reason),
  };
}

type Found = readonly [condition: HealthCondition, reason: string];

function unhealthy(state: keyof typeof UNHEALTHY, error: unknown): Found {
  const reason = UNHEALTHY[state];
  return [state, error instanceof Error ? `${reason}: ${error.message}` : reason];
}

function troubles(snapshot: BusSnapshot, stats: Stats): Found[] {
  const found: Found[] = [];
  const state = stateOf(snapshot);
  // Somebody wants it so: that calls for nobody, but whoever wonders why nothing is handled finds it here.
  if (snapshot.context.isPaused)
    found.push(['paused', 'paused by pause(): nothing more is handled until resume()']);
  const { refusal } = snapshot.context;
  if (refusal !== undefined)
    found.push(['refused', `consuming has ended for good: ${(refusal as Error).message}`]);
  if (state === 'retrying') found.push(['connecting', 'the connection is lost and being opened again']);
  if (snapshot.hasTag('blocked'))
    found.push(['blocked', 'the broker has blocked publishing, for want of memory or disk']);
  const consumer = consumerOf(snapshot);
  if (consumer !== undefined && state === 'consuming') {
    const { lastProblem, flow } = consumer.context;
    if (lastProblem === STALLED) found.push(['stalled', `the consumer reads anew: ${lastProblem}`]);
    if (consumer.hasTag('connecting'))
      found.push(['connecting', `the consumer does not read: ${lastProblem ?? 'it is being started'}`]);
    if (consumer.hasTag('lane-blocked'))
      found.push([
        'degraded',
        `waiting deliveries fill the window: ${flow.blockingKeys.slice(0, 5).join(', ')}`,
      ]);
    const unstored = UNSTORED[consumer.context.deliveries];
    if (unstored !== undefined)
      found.push([
        'degraded',
        `${unstored} cannot be stored: ${consumer.context.deliverySettings.troubles.storeProblem}`,
      ]);
  }
  if (stats.zombieHandlers > 0)
    found.push([
      'degraded',
      `${stats.zombieHandlers} handler call(s) ignored their abort signal and may still run`,
    ]);
  return found;
}

export function busInfo(
  snapshot: BusSnapshot,
  destination: string,
  details: ConnectionInfo | undefined,
): BusInfo {
  return {
    connected: details !== undefined,
    state: stateOf(snapshot),
    destination,
    length: details?.length ?? 0,
    pendingMessages: details?.pendingMessages ?? 0,
    pendingOf: details?.pendingOf ?? 'group',
    dlqMessages: details?.dlqMessages ?? 0,
    consumers: details?.consumers ?? 0,
    lag: details?.lag,
    blockingKeys: consumerOf(snapshot)?.context.flow.blockingKeys ?? [],
  };
}
