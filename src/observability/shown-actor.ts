import type { AnyActorRef, AnyEventObject, InspectionEvent, Snapshot } from 'xstate';
import type { Payloads } from './inspection.ts';
import { shownActorMessage } from './shown-message.ts';
import { shownSnapshot } from './shown-snapshot.ts';

type ActorRefLike = InspectionEvent['actorRef'];

/** Turns what XState tells into what an observer may see: the same shape, and of events only what was asked for. */
export class Showing {
  readonly payloads: Payloads;
  /** One for each actor, so that an observer may keep them. */
  readonly #actors = new WeakMap<AnyActorRef, ShownActor>();

  constructor(payloads: Payloads) {
    this.payloads = payloads;
  }

  event(event: InspectionEvent): InspectionEvent {
    const actor = event.actorRef as AnyActorRef;
    const shown = { ...event, actorRef: this.actor(actor) } as Record<string, unknown>;
    if ('event' in event) shown['event'] = shownActorMessage(event.event as AnyEventObject, this.payloads);
    if ('snapshot' in event) shown['snapshot'] = shownSnapshot(actor, event.snapshot, this.payloads);
    if (event.type === '@xstate.action') shown['action'] = { type: event.action.type };
    if (event.type === '@xstate.event')
      shown['sourceRef'] = event.sourceRef && this.actor(event.sourceRef as AnyActorRef);
    return shown as unknown as InspectionEvent;
  }

  /** How an actor that is there already is told of. */
  existing(actor: AnyActorRef, rootId: string): readonly InspectionEvent[] {
    const actorRef = this.actor(actor);
    return [
      { type: '@xstate.actor', rootId, actorRef },
      {
        type: '@xstate.snapshot',
        rootId,
        actorRef,
        event: { type: 'xstate.init' },
        snapshot: actorRef.getSnapshot(),
      },
    ] as unknown as readonly InspectionEvent[];
  }

  actor(actor: AnyActorRef): ActorRefLike {
    let shown = this.#actors.get(actor);
    if (shown === undefined) this.#actors.set(actor, (shown = new ShownActor(actor, this)));
    return shown as unknown as ActorRefLike;
  }
}

/** XState's development build refuses while the actor is being made, which is just when observers are told of it. */
function snapshotOf(actor: AnyActorRef): unknown {
  try {
    return actor.getSnapshot();
  } catch {
    return undefined;
  }
}

/** Stands for an actor, with as much of it as inspectors read. */
class ShownActor {
  readonly id: string;
  readonly sessionId: string;
  readonly src: unknown;
  /** Of a machine: its chart. */
  readonly logic: { readonly config?: unknown };
  readonly #actor: AnyActorRef;
  readonly #showing: Showing;

  constructor(actor: AnyActorRef, showing: Showing) {
    const { id, sessionId, src, logic } = actor as AnyActorRef & ShownActor;
    this.id = id;
    this.sessionId = sessionId;
    this.src = typeof src === 'string' ? src : undefined;
    this.logic = typeof logic.config === 'object' ? { config: logic.config } : {};
    this.#actor = actor;
    this.#showing = showing;
  }

  get _parent(): unknown {
    const parent = (this.#actor as { _parent?: AnyActorRef })._parent;
    return parent && this.#showing.actor(parent);
  }

  getSnapshot(): Snapshot<unknown> {
    return shownSnapshot(this.#actor, snapshotOf(this.#actor), this.#showing.payloads);
  }

  send(message: AnyEventObject): void {
    this.#actor.send(message);
  }

  toJSON(): object {
    return { xstate$$type: 1, id: this.id };
  }
}
