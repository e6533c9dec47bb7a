import type { AnyActorRef, AnyMachineSnapshot } from 'xstate';
import type { BrokerEventBus } from '../bus/api.ts';
import type { Done } from './protocol.ts';

/** What the page may do, as it asks for it: `POST /api/actions/<name>`. */
export interface ActionRequest {
  readonly name: string;
  /** A subscription's actor, or a dead letter. */
  readonly id: string | undefined;
}

/** Undefined when there is no such action, or nothing that it could be done to. */
export async function act(bus: BrokerEventBus, { name, id }: ActionRequest): Promise<Done | undefined> {
  switch (name) {
    case 'pause':
    case 'resume':
      return id === undefined ? busTo(bus, name) : subscriptionTo(bus, name, id);
    case 'replay':
      if (id === undefined || !(await bus.deadLetters.replay(id))) return undefined;
      return { message: 'Replayed one dead letter.' };
    case 'replay-all': {
      const { replayed, failed } = await bus.deadLetters.replayAll();
      const rest = failed.length === 0 ? '' : ` ${failed.length} could not be replayed, and stay.`;
      return { message: `Replayed ${counted(replayed)}.${rest}` };
    }
    case 'purge':
      return { message: `Purged ${counted(await bus.deadLetters.purge())}.` };
    default:
      return undefined;
  }
}

const counted = (count: number): string => `${count} dead letter${count === 1 ? '' : 's'}`;

const SAID = { pause: 'Paused', resume: 'Resumed' };

function busTo(bus: BrokerEventBus, what: 'pause' | 'resume'): Done {
  const { isPaused } = bus.actor.getSnapshot().context;
  if (isEnding(bus)) return unchanged('bus', bus.state, what);
  if (isPaused === (what === 'pause')) return unchanged('bus', isPaused ? 'paused' : 'not paused', what);
  bus[what]();
  return { message: `${SAID[what]} the bus.` };
}

function subscriptionTo(bus: BrokerEventBus, what: 'pause' | 'resume', id: string): Done | undefined {
  const children: Readonly<Record<string, AnyActorRef | undefined>> = bus.actor.getSnapshot().children;
  for (const child of Object.values(children)) {
    if (child?.sessionId !== id) continue;
    const snapshot = child.getSnapshot() as AnyMachineSnapshot;
    const { name, handler } = (snapshot.context ?? {}) as { name?: unknown; handler?: unknown };
    if (typeof name !== 'string' || handler === undefined) return undefined;
    // Paused, it would hold up the end of the bus.
    if (isEnding(bus)) return unchanged('bus', bus.state, what);
    if (!snapshot.can({ type: what })) return unchanged(`subscription ${name}`, String(snapshot.value), what);
    child.send({ type: what });
    return { message: `${SAID[what]} the subscription ${name}.` };
  }
  return undefined;
}

const isEnding = ({ state }: BrokerEventBus): boolean => state === 'draining' || state === 'stopped';

const unchanged = (name: string, state: string, what: string): Done => ({
  message: `The ${name} is ${state}: there is nothing to ${what}.`,
});
