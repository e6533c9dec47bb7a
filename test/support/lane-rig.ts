import { createActor, fromTransition, type AnyActorRef } from 'xstate';
import type { DomainEvent } from '../../src/contracts/event.ts';
import type { Delivery } from '../../src/contracts/transport.ts';
import { createStats } from '../../src/observability/stats.ts';
import { VirtualClock } from '../../src/testing/clock.ts';
import type { Dispatch, Outcome } from '../../machines/dispatch.ts';
import type { LaneFlowSettings } from '../../machines/flow.ts';
import { LaneFlow } from '../../machines/lane-flow.ts';
import { Routes } from '../../machines/routes.ts';
import { Work } from '../../machines/work.ts';

/** A delivery by its name: the first letter is its key, the rest its place. */
export interface Held {
  readonly name: string;
  readonly deliveryCount?: number;
  readonly isReturned?: boolean;
  readonly type?: string;
  readonly body?: string;
}

/** A LaneFlow whose one handler and whose supervisor are played by the test. */
export function laneRig(options: Partial<LaneFlowSettings> & { readonly window?: number }) {
  const routes = new Routes();
  const stats = createStats();
  const work = new Work();
  const clock = new VirtualClock();
  const running = new Map<string, Dispatch>();
  const pulled = new Map<string, Delivery>();
  const settled = new Set<string>();
  const lost = new Set<string>();
  const rig = {
    started: [] as string[],
    aborted: [] as string[],
    acked: [] as string[],
    released: [] as string[],
    blocked: [] as boolean[],
    troubled: [] as Dispatch[],
    settledTwice: [] as string[],
    settledAfterLoss: [] as string[],
    idle: 0,
  };
  const nameOf = (dispatch: Dispatch): string => dispatch.delivery?.message.id ?? '';
  const actor = (hear: (event: { type: string; dispatch: Dispatch }) => void): AnyActorRef =>
    createActor(
      fromTransition((state: undefined, event: { type: string; dispatch: Dispatch }) => {
        hear(event);
        return state;
      }, undefined),
    ).start();
  const handler = actor(({ type, dispatch }) => {
    if (type === 'abort') rig.aborted.push(nameOf(dispatch));
    else {
      rig.started.push(nameOf(dispatch));
      running.set(nameOf(dispatch), dispatch);
    }
  });
  routes.add(['Pinged'], { subscription: 'handler', handler });
  const { window = Infinity, ...given } = options;
  const flow = new LaneFlow({
    ordering: 'key',
    concurrency: 1,
    isKnown: () => true,
    maxDeliveries: 20,
    onUnwanted: 'ack',
    canRelease: true,
    routes,
    inspection: { isOn: false },
    decode: ({ body }) => {
      if (body === 'garbage') throw new Error('no event');
      return {} as DomainEvent;
    },
    unwanted: () => undefined,
    stats,
    telemetry: undefined,
    work,
    clock,
    abandonError: () => new Error('lost'),
    ...given,
  });
  flow.window = window;
  const consumer = actor(() => undefined);
  flow.attach(
    consumer,
    actor(({ dispatch }) => rig.troubled.push(dispatch)),
  );
  flow.listen({
    ready: () => flow.startReady(),
    idle: () => rig.idle++,
    blocked: (isBlocked) => rig.blocked.push(isBlocked),
  });
  const settle = (name: string, list: string[]): void => {
    if (settled.has(name)) rig.settledTwice.push(name);
    if (lost.has(name)) rig.settledAfterLoss.push(name);
    settled.add(name);
    list.push(name);
  };
  const deliver = ({
    name,
    deliveryCount = 1,
    isReturned = false,
    type = 'Pinged',
    body = '{}',
  }: Held): Delivery => ({
    message: { id: name, type, key: name[0] as string, attributes: {}, headers: {}, body },
    destination: 'test',
    position: name,
    deliveryCount,
    precedes: (other) => isReturned && name < other.position,
    holder: undefined,
    ack: () => settle(name, rig.acked),
    release: () => {
      settle(name, rig.released);
      return Promise.resolve();
    },
    deadLetter: () => Promise.resolve(),
    abandon: () => void lost.add(name),
  });
  const take = (name: string): Dispatch => {
    const dispatch = running.get(name);
    if (dispatch === undefined) throw new Error(`${name} does not run`);
    running.delete(name);
    return dispatch;
  };
  return Object.assign(rig, {
    flow,
    stats,
    work,
    clock,
    /** Those whose handler runs, in order of their start. */
    running: (): string[] => [...running.keys()],
    /** Those pulled, neither settled nor lost. */
    names: (): string[] => [...pulled.keys()].filter((name) => !settled.has(name) && !lost.has(name)),
    hold(...held: (Held | string)[]): void {
      const batch = held.map((one) => deliver(typeof one === 'string' ? { name: one } : one));
      for (const delivery of batch) pulled.set(delivery.message.id, delivery);
      flow.hold(batch);
      flow.startReady();
    },
    succeed: (name: string): void => take(name).handlerSucceeded('handler', 1),
    fail: (name: string): void => take(name).handlerFailed('handler', 1, new Error('x'), 0),
    /** What the supervisor does at the end. */
    end(name: string, outcome: Outcome): void {
      const dispatch = rig.troubled.find((one) => nameOf(one) === name);
      if (dispatch !== undefined) flow.ended(dispatch, outcome);
    },
    recall: (name: string): boolean | undefined => pulled.get(name)?.holder?.recall(),
    abandon(name: string): void {
      lost.add(name);
      pulled.get(name)?.holder?.lost();
    },
  });
}
