import { createActor, type ActorLogic, type ActorRefFrom, type ActorSystem, type Snapshot } from 'xstate';
import type { DeliverySettings } from './delivery.impl.ts';
import { deliveryMachine } from './delivery.ts';
import type { Dispatch } from './dispatch.ts';

export type DeliveriesEvent =
  | { readonly type: 'delivery.troubled'; readonly dispatch: Dispatch }
  | { readonly type: 'handler.removed'; readonly subscription: string }
  | { readonly type: 'drain' }
  | { readonly type: 'xstate.stop' };

export interface DeliveriesInput {
  readonly settings: DeliverySettings;
}

type DeliveryRef = ActorRefFrom<typeof deliveryMachine>;

/** What the supervisor holds; mutable, because copying the children for each delivery would be quadratic. */
export class Supervised {
  readonly output = undefined;
  readonly error = undefined;
  status: 'active' | 'stopped' = 'active';
  isDraining = false;
  readonly settings: DeliverySettings;
  readonly deliveries = new Set<DeliveryRef>();
  constructor(settings: DeliverySettings) {
    this.settings = settings;
  }
  /** The state as a chart would name it. */
  get value(): 'idle' | 'supervising' | 'draining' {
    if (this.isDraining) return 'draining';
    return this.deliveries.size === 0 ? 'idle' : 'supervising';
  }
  toJSON(): object {
    return { status: this.status, value: this.value, context: { deliveries: this.deliveries.size } };
  }
}

export type DeliveriesSnapshot = Snapshot<undefined> & Supervised;

/**
 * Parent of the delivery actors of one consumer. Not a machine, because a machine copies its children's record at
 * every spawn and stop: with 10,000 retries waiting that is 6 ms each, here it is 30 µs. Its children all have the
 * same id, because XState remembers every id it has ever seen.
 */
export const deliveriesLogic: ActorLogic<
  DeliveriesSnapshot,
  DeliveriesEvent,
  DeliveriesInput,
  // eslint-disable-next-line typescript/no-explicit-any, typescript/no-unnecessary-type-arguments -- a declaration file cannot name the default
  ActorSystem<any>
> = {
  config: {
    id: 'deliveries',
    initial: 'idle',
    states: {
      idle: { on: { 'delivery.troubled': 'supervising', drain: 'draining' } },
      supervising: { on: { 'delivery.ended': 'idle', drain: 'draining' } },
      draining: {},
    },
  },
  getInitialSnapshot: (_scope, { settings }) => new Supervised(settings) as DeliveriesSnapshot,
  getPersistedSnapshot: (snapshot) => snapshot.toJSON() as Snapshot<undefined>,
  transition(snapshot, event, scope) {
    switch (event.type) {
      case 'delivery.troubled':
        supervise(snapshot, event.dispatch, scope.self);
        break;
      case 'handler.removed':
        for (const delivery of snapshot.deliveries) delivery.send(event);
        break;
      case 'drain':
        snapshot.isDraining = true;
        for (const delivery of snapshot.deliveries) delivery.send(event);
        break;
      case 'xstate.stop':
        // Children of such a logic aren't stopped with it.
        for (const delivery of snapshot.deliveries) {
          const { dispatch } = delivery.getSnapshot().context;
          scope.stopChild(delivery);
          dispatch.home.ended(dispatch, 'abandoned');
        }
        snapshot.deliveries.clear();
        snapshot.status = 'stopped';
        break;
    }
    return snapshot;
  },
};

function supervise(
  { settings, deliveries, isDraining }: Supervised,
  dispatch: Dispatch,
  parent: ActorRefFrom<typeof deliveriesLogic>,
): void {
  if (dispatch.isOver) return;
  const delivery = createActor(deliveryMachine, {
    id: 'delivery',
    parent,
    input: { dispatch, settings },
  } as Parameters<typeof createActor<typeof deliveryMachine>>[1]);
  deliveries.add(delivery);
  delivery.subscribe({
    complete: () => deliveries.delete(delivery),
    error: () => {
      // Unknown what it had done: whoever gets it next decides, after the lease or the restart.
      deliveries.delete(delivery);
      dispatch.home.ended(dispatch, 'abandoned');
    },
  });
  dispatch.actor = delivery;
  delivery.start();
  for (const result of dispatch.early?.splice(0) ?? []) delivery.send({ type: 'handled', ...result });
  if (isDraining) delivery.send({ type: 'drain' });
}
