import type { Stats } from '../contracts/telemetry.ts';
import type { ConnectionInfo } from '../contracts/transport.ts';
import type { BusSnapshot } from '../../machines/index.ts';
import type { BusInfo, Health } from './api.ts';
import { consumerOf, stateOf } from './states.ts';

const UNHEALTHY = {
  idle: 'not connected',
  connecting: 'not connected yet',
  draining: 'shutting down',
  stopped: 'stopped',
  failed: 'the broker refuses this bus',
} as const;

/** Degraded: it works, or will again by itself, but somebody should look. */
export function health(snapshot: BusSnapshot, stats: Stats): Health {
  const state = stateOf(snapshot);
  const reasons: string[] = [];
  const { error } = snapshot.context;
  if (state in UNHEALTHY) {
    const reason = UNHEALTHY[state as keyof typeof UNHEALTHY];
    return {
      status: 'unhealthy',
      state,
      reasons: [error instanceof Error ? `${reason}: ${error.message}` : reason],
    };
  }
  if (state === 'retrying') reasons.push('the connection is lost and being opened again');
  if (snapshot.hasTag('blocked'))
    reasons.push('the broker has blocked publishing, for want of memory or disk');
  const consumer = consumerOf(snapshot);
  if (consumer !== undefined && state === 'consuming') {
    if (consumer.hasTag('connecting'))
      reasons.push(`the consumer does not read: ${consumer.context.lastProblem ?? 'it is being started'}`);
    if (consumer.hasTag('lane-blocked'))
      reasons.push(
        `waiting deliveries fill the window: ${consumer.context.flow.blockingKeys.slice(0, 5).join(', ')}`,
      );
    if (consumer.hasTag('deadLettering') && consumer.hasTag('degraded'))
      reasons.push('a dead letter cannot be stored');
  }
  if (stats.zombieHandlers > 0)
    reasons.push(`${stats.zombieHandlers} handler call(s) ignored their abort signal and may still run`);
  return { status: reasons.length === 0 ? 'healthy' : 'degraded', state, reasons };
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
    dlqMessages: details?.dlqMessages ?? 0,
    consumers: details?.consumers ?? 0,
    lag: details?.lag,
    blockingKeys: consumerOf(snapshot)?.context.flow.blockingKeys ?? [],
  };
}
