import type { AnyEventObject, AnyTransitionDefinition, InspectionEvent } from 'xstate';
import { logicId } from '../observability/shown-snapshot.ts';
import { drawingOf, transitionIds, type Drawing } from './drawings.ts';
import { messageName, wordsOf } from './message-words.ts';
import type { ActorDetails, ActorKind, ActorRow, Happening } from './protocol.ts';
import { shortState, toneOf, type ShownState } from './state-words.ts';

const HAPPENINGS = 30;
/** Troubled deliveries shown one by one; a bad hour has thousands. */
const LISTED = 200;

/** Messages of the data plane that say something. */
const SHOWN = new Set(['publish', 'deliver', 'deliveries']);

type ActorRefLike = InspectionEvent['actorRef'] & { readonly id: string; readonly _parent?: ActorRefLike };

interface Watched {
  readonly ref: ActorRefLike;
  readonly kind: ActorKind;
  readonly drawing: Drawing;
  readonly happened: Happening[];
  /** What the row is made from, to know when it has changed. */
  state: string;
  row: ActorRow;
}

export interface WatchListener {
  changed(id: string): void;
  gone(id: string): void;
}

/** The live actors of a bus, as an observer of it learns of them. */
export class Watch {
  readonly #actors = new Map<string, Watched>();
  readonly #listener: WatchListener;
  #deliveries = 0;

  constructor(listener: WatchListener) {
    this.#listener = listener;
  }

  /** To be given to `bus.inspect`. */
  readonly observe = (event: InspectionEvent): void => {
    const ref = event.actorRef as ActorRefLike;
    if (event.type === '@xstate.actor') return this.#add(ref);
    const watched = this.#actors.get(ref.sessionId);
    if (watched === undefined) return;
    if (event.type === '@xstate.event') this.#received(watched, event.event);
    else if (event.type === '@xstate.microstep') this.#stepped(watched, event);
    else if (event.type === '@xstate.snapshot') this.#look(watched, event.snapshot as unknown as ShownState);
  };

  row(id: string): ActorRow | undefined {
    return this.#actors.get(id)?.row;
  }

  get ids(): Iterable<string> {
    return this.#actors.keys();
  }

  details(id: string): ActorDetails | undefined {
    const watched = this.#actors.get(id);
    if (watched === undefined) return undefined;
    const { context = {} } = watched.ref.getSnapshot() as unknown as ShownState;
    return {
      ...watched.row,
      context: Object.entries(context).flatMap(([name, value]): [string, string][] =>
        value === undefined ? [] : [[name, wordsOf(value)]],
      ),
      happened: watched.happened.toReversed(),
    };
  }

  /** Deliveries in trouble, and how many of them aren't listed. */
  get troubled(): { readonly count: number; readonly unlisted: number } {
    let count = 0;
    for (const { kind, ref } of this.#actors.values()) {
      if (kind !== 'deliveries') continue;
      const { context } = ref.getSnapshot() as unknown as ShownState;
      count += (context as { deliveries?: number } | undefined)?.deliveries ?? 0;
    }
    return { count, unlisted: Math.max(0, count - this.#deliveries) };
  }

  #add(ref: ActorRefLike): void {
    const kind = logicId(ref) as ActorKind | undefined;
    const drawing = kind && drawingOf(kind);
    if (kind === undefined || drawing === undefined || this.#actors.has(ref.sessionId)) return;
    if (kind === 'delivery' && this.#deliveries >= LISTED) return;
    if (kind === 'delivery') this.#deliveries++;
    const { sessionId: id } = ref;
    const row = {
      id,
      parent: ref._parent?.sessionId,
      kind,
      name: kind,
      state: '',
      active: [],
      tone: 'good',
    } as const;
    const watched: Watched = { ref, kind, drawing, happened: [], state: '', row };
    this.#actors.set(id, watched);
    this.#look(watched, ref.getSnapshot() as unknown as ShownState);
  }

  #look(watched: Watched, shown: ShownState): void {
    const { ref, kind, drawing, row } = watched;
    // The last word of a bus is that it has stopped; the others leave with it.
    if (shown.status !== 'active' && kind !== 'bus') return this.#remove(watched);
    const state = JSON.stringify([shown.status, shown.value, shown.tags]);
    if (state === watched.state) return;
    watched.state = state;
    watched.row = {
      ...row,
      name: nameOf(kind, ref.id, shown),
      state: shortState(kind, shown),
      active: drawing.active(shown.value),
      tone: toneOf(shown),
    };
    this.#listener.changed(row.id);
  }

  #remove(watched: Watched): void {
    const { id } = watched.row;
    if (!this.#actors.delete(id)) return;
    if (watched.kind === 'delivery') this.#deliveries--;
    this.#listener.gone(id);
  }

  /** Messages of the data plane lead to no step that could be seen. */
  #received(watched: Watched, message: AnyEventObject): void {
    // The supervisor of deliveries is no machine: it takes no steps at all.
    const isShown = watched.kind === 'deliveries' ? message.type !== 'xstate.init' : SHOWN.has(message.type);
    if (!isShown) return;
    this.#note(watched, message, []);
  }

  #stepped(watched: Watched, step: Extract<InspectionEvent, { type: '@xstate.microstep' }>): void {
    if (step._transitions.length === 0) return;
    this.#note(watched, step.event, step._transitions);
  }

  #note(watched: Watched, message: AnyEventObject, taken: readonly AnyTransitionDefinition[]): void {
    const { happened, row } = watched;
    const { type, ...rest } = message;
    const detail = wordsOf(rest);
    const last = happened.at(-1);
    // What a message changes, and where that leads at once, are two steps of one.
    if (
      taken.length > 0 &&
      last?.message === messageName(type) &&
      last.to.length === 0 &&
      last.detail === detail
    )
      happened.pop();
    happened.push({
      at: Date.now(),
      message: messageName(type),
      to: taken.flatMap(({ target = [] }) => target.map(({ key }) => key)),
      taken: transitionIds(taken),
      detail,
    });
    if (happened.length > HAPPENINGS) happened.shift();
    this.#listener.changed(row.id);
  }
}

function nameOf(kind: ActorKind, id: string, { context = {} }: ShownState): string {
  const { name, eventType, eventId } = context as Readonly<Record<string, string | undefined>>;
  if (kind === 'subscription') return name ?? id;
  if (kind === 'delivery') return `${eventType ?? 'undecoded'} ${eventId?.slice(0, 8) ?? ''}`.trim();
  return kind;
}
