import type { AnyActorRef } from 'xstate';
import type { DeadLetterReason } from '../src/contracts/settlement.ts';
import type { Delivery } from '../src/contracts/transport.ts';
import { Chain } from './chain.ts';
import { Dispatch, type Outcome, type RetryOrder } from './dispatch.ts';
import { Fifo } from './fifo.ts';
import { noCounts, noteOutcome, type Flow, type FlowListener, type LaneFlowSettings } from './flow.ts';
import { relay } from './internals.ts';
import { Lanes } from './lanes.ts';
import { attemptOf, TARGETS, targeted } from './routes.ts';
import { Slots, startRetry } from './slots.ts';

/** Brings what a broker delivers to the handlers: in order per key, and only so many at once. */
export class LaneFlow implements Flow {
  readonly counts = noCounts();
  open = 0;
  pulled = 0;
  window = Infinity;
  readonly #settings: LaneFlowSettings;
  readonly #lanes = new Lanes<Dispatch>(
    (one, other) => one.delivery?.precedes?.(other.delivery as Delivery) ?? false,
  );
  readonly #slots: Slots;
  readonly #ready = new Fifo<Dispatch>();
  readonly #all = new Chain<Dispatch>();
  #deliveries: AnyActorRef | undefined = undefined;
  #consumer: AnyActorRef | undefined = undefined;
  #listener: FlowListener | undefined = undefined;
  #isBlocked = false;
  #isStarting = false;

  constructor(settings: LaneFlowSettings) {
    this.#settings = settings;
    this.#slots = new Slots(settings.concurrency, { ...settings, ready: () => this.#moved() });
  }

  attach(consumer: AnyActorRef, deliveries: AnyActorRef): void {
    this.#consumer = consumer;
    this.#deliveries = deliveries;
  }

  get isWanted(): boolean {
    return !this.#settings.routes.isEmpty;
  }

  get isIdle(): boolean {
    return this.open === 0;
  }

  listen(listener: FlowListener): void {
    this.#listener = listener;
  }

  get blockingKeys(): readonly string[] {
    return this.#isBlocked ? [...this.#lanes.keys] : [];
  }

  get oldest(): Delivery | undefined {
    return this.#all.all()[0]?.delivery;
  }

  hold(batch: readonly Delivery[]): void {
    const { ordering, work, telemetry } = this.#settings;
    this.open += batch.length;
    this.pulled += batch.length;
    work.begin(batch.length);
    for (const delivery of batch) {
      const dispatch = Dispatch.of(delivery, this, telemetry?.arrived(delivery));
      this.#all.add(dispatch);
      delivery.holder = dispatch;
      if (ordering === 'none' || this.#lanes.enter(delivery.message.key, dispatch)) {
        this.#ready.push(dispatch);
        if (this.#ready.length > 1 || !this.#slots.hasFree) delivery.parked?.();
      } else delivery.parked?.();
    }
  }

  startReady(): void {
    // Handlers that end at once free their slots in here: the loop goes on by itself.
    this.#isStarting = true;
    for (;;) {
      const dispatch = this.#slots.retries.peek()?.dispatch ?? this.#ready.peek();
      if (dispatch === undefined || !this.#slots.mayStart(dispatch)) break;
      const retry = this.#slots.retries.shift();
      if (retry !== undefined) startRetry(this.#slots, retry);
      else this.#start(this.#ready.shift() as Dispatch);
    }
    this.#isStarting = false;
    this.#look();
  }

  drain(): void {
    if (!this.#settings.canRelease) return this.startReady();
    this.#slots.stop();
    const ready = this.#ready.drain();
    const unbegun = [...ready, ...this.#lanes.removeWaiting()];
    // Each held its lane, and the consumer that comes next has the same lanes.
    for (const dispatch of ready) this.#leaveLane(dispatch);
    for (const dispatch of unbegun)
      // Where it isn't certain it stays ours until the lease ends; either way no settlement follows.
      dispatch.delivery?.release().then(
        () => this.#over(dispatch, 'released'),
        () => this.#over(dispatch, 'abandoned'),
      );
  }

  abandonAll(): void {
    this.#slots.stop();
    for (const dispatch of this.#all.all().reverse()) {
      dispatch.delivery?.abandon();
      this.lost(dispatch);
    }
  }

  // What is pulled waits by itself while its consumer is paused.
  lock(): void {}
  unlock(): void {}

  retry(order: RetryOrder): void {
    this.#settings.stats.retries++;
    this.#slots.retries.push(order);
    this.#moved();
  }

  slotFreed(dispatch: Dispatch): void {
    this.#slots.free(dispatch);
    if (dispatch.isOver && dispatch.slots === 0) this.#leaveLane(dispatch);
    // A success is told next, and moves things then: looked at in between, the window would seem full of waiting lanes.
    const isSucceeding = dispatch.early === undefined && dispatch.decided === undefined && !dispatch.isOver;
    if (!isSucceeding) this.#moved();
  }

  succeeded(dispatch: Dispatch): void {
    this.ended(dispatch, 'acked');
  }

  inTrouble(dispatch: Dispatch): void {
    relay(this.#consumer, this.#deliveries as AnyActorRef, { type: 'delivery.troubled', dispatch });
  }

  ended(dispatch: Dispatch, outcome: Outcome): void {
    if (dispatch.isOver) return;
    if (outcome === 'acked' || outcome === 'dropped') dispatch.delivery?.ack();
    this.#settings.stats.inFlight--;
    this.#over(dispatch, outcome);
    // An attempt that still runs keeps its lane: the next of its key must not overlap it.
    if (dispatch.slots === 0) this.#leaveLane(dispatch);
    this.#moved();
  }

  lost(dispatch: Dispatch): void {
    if (dispatch.isOver || this.#takeOut(dispatch, 'abandoned')) return;
    for (const { handler } of this.#settings.routes.of((dispatch.delivery as Delivery).message.type))
      handler.send({ type: 'abort', reason: this.#settings.abandonError(), dispatch });
    if (dispatch.actor === undefined) this.ended(dispatch, 'abandoned');
    else dispatch.actor.send({ type: 'abandon' });
  }

  recall(dispatch: Dispatch): boolean {
    return dispatch.isOver || this.#takeOut(dispatch, 'released') || this.#slots.recall(dispatch);
  }

  toJSON(): object {
    const counts = { running: this.#slots.used, ready: this.#ready.length, waiting: this.#lanes.waiting };
    return { open: this.open, ...counts, blockingKeys: this.blockingKeys };
  }

  #start(dispatch: Dispatch): void {
    const { stats, routes } = this.#settings;
    const { message, defer } = dispatch.delivery as Delivery;
    this.#slots.take(dispatch);
    stats.inFlight++;
    if (this.#slots.convicts(dispatch)) return this.#decide(dispatch, 'too-many-deliveries');
    let wanted = targeted(routes.of(message.type), message.headers);
    const isWanted = wanted.length > 0 && this.#settings.isKnown(message.type);
    // Without a type it isn't a stranger but broken, unless its body names one: decoding says which.
    if (message.type !== '' && !isWanted) return this.#refuse(dispatch);
    try {
      dispatch.event = this.#settings.decode(message);
    } catch (error) {
      return this.#decide(dispatch, 'decode-failed', error);
    }
    if (!isWanted) wanted = targeted(routes.of(dispatch.event.eventType), message.headers);
    if (wanted.length === 0) return this.#refuse(dispatch);
    stats.eventsConsumed++;
    dispatch.pending = wanted.length;
    dispatch.telemetry?.started(dispatch.event, wanted.length);
    if (defer !== undefined) dispatch.attempt = attemptOf(message.headers);
    for (const { flow, handler } of wanted)
      if (flow?.isAtRest === true && !this.#settings.inspection.isOn) flow.run(dispatch);
      else relay(this.#consumer, handler, dispatch);
  }

  #refuse(dispatch: Dispatch): void {
    const { message } = dispatch.delivery as Delivery;
    if (message.headers[TARGETS] !== undefined) return this.#decide(dispatch, 'no-such-handler');
    this.#settings.unwanted(message);
    this.#settings.stats.eventsIgnored++;
    if (this.#settings.onUnwanted === 'dead-letter') return this.#decide(dispatch, 'unwanted');
    this.slotFreed(dispatch);
    this.ended(dispatch, 'acked');
  }

  #decide(dispatch: Dispatch, reason: DeadLetterReason, error?: unknown): void {
    dispatch.decide(reason, error);
    this.slotFreed(dispatch);
    this.inTrouble(dispatch);
  }

  /** False if it has begun. */
  #takeOut(dispatch: Dispatch, outcome: 'abandoned' | 'released'): boolean {
    const holdsLane = this.#ready.remove(dispatch);
    if (!holdsLane && !this.#lanes.remove((dispatch.delivery as Delivery).message.key, dispatch))
      return false;
    this.#over(dispatch, outcome);
    if (holdsLane) this.#leaveLane(dispatch);
    return true;
  }

  #over(dispatch: Dispatch, outcome: Outcome): void {
    if (dispatch.isOver) return;
    const { stats, work } = this.#settings;
    noteOutcome(outcome, this.counts, stats);
    this.open--;
    this.#all.remove(dispatch);
    dispatch.over(outcome);
    work.end();
    if (this.open === 0) this.#listener?.idle();
  }

  #leaveLane(dispatch: Dispatch): void {
    if (this.#settings.ordering === 'none') return;
    const next = this.#lanes.release((dispatch.delivery as Delivery).message.key);
    if (next !== undefined) this.#ready.push(next);
  }

  #moved(): void {
    if (this.#isStarting) return;
    if (this.#ready.length > 0 || this.#slots.retries.length > 0) this.#listener?.ready();
    this.#look();
  }

  /** Whether lanes that only wait fill the window. */
  #look(): void {
    const isBlocked = this.open >= this.window && this.#slots.isIdle && this.#ready.length === 0;
    if (isBlocked === this.#isBlocked) return;
    this.#isBlocked = isBlocked;
    this.#listener?.blocked(isBlocked);
  }
}
