import { createActor } from 'xstate';
import { randomBytes } from 'node:crypto';
import type { DomainEvent } from '../contracts/event.ts';
import type { Stats } from '../contracts/telemetry.ts';
import { BusStoppedError, ConnectionError, HandlerTimeoutError } from '../errors.ts';
import { createCodec, type Codec } from '../events/codec.ts';
import { withCausation } from '../events/with-causation.ts';
import { guardedLogger } from '../observability/default-logger.ts';
import { guardListeners } from '../observability/guarded-listeners.ts';
import { Observations } from '../observability/observations.ts';
import type { Telemetry } from '../observability/otel/telemetry.ts';
import { StandstillWatch } from '../observability/standstill-watch.ts';
import { createStats } from '../observability/stats.ts';
import { busLogic } from '../../machines/bus.ts';
import type { Publisher } from '../../machines/bus-input.ts';
import type { DeliverySettings } from '../../machines/delivery.impl.ts';
import { EmbeddedFlow } from '../../machines/embedded-flow.ts';
import { indexTimers, noInspection } from '../../machines/internals.ts';
import { LaneFlow } from '../../machines/lane-flow.ts';
import type { BusActor } from '../../machines/index.ts';
import { Routes } from '../../machines/routes.ts';
import { Troubles } from '../../machines/troubles.ts';
import { Work } from '../../machines/work.ts';
import { EmbeddedPublisher } from './embedded-publisher.ts';
import { Interests } from './interests.ts';
import { occurrences } from './occurrences.ts';
import type { Link } from './link.ts';
import { oncePerType } from './once-per-type.ts';
import type { BusSettings } from './options.ts';
import { Outgoing } from './outgoing.ts';
import { PublishQueue } from './publish-queue.ts';
import { deadLettering } from './dead-lettering.ts';
import { stateOf } from './states.ts';
import { Subscribers } from './subscribers.ts';
import { telemetryOf } from './telemetry-wiring.ts';

/** What a bus is made of, joined. */
export interface Wiring {
  readonly actor: BusActor;
  readonly stats: Stats;
  readonly work: Work;
  readonly codec: Codec;
  readonly logger: BusSettings['logger'];
  readonly subscribers: Subscribers;
  readonly routes: Routes;
  readonly observations: Observations;
  readonly standstills: StandstillWatch;
  readonly outgoing: Outgoing;
  /** Undefined where the options want neither traces nor metrics. */
  readonly telemetry: Telemetry | undefined;
  /** Undefined on a bus with a transport. */
  readonly embedded: EmbeddedPublisher | undefined;
}

/** Joins machines, codec, dead letters and telemetry into one bus: the only place where they meet. */
export function wire(settings: BusSettings, link: Link): Wiring {
  const { clock, random } = settings;
  const logger = guardedLogger(settings.logger);
  const stats = createStats();
  const work = new Work();
  const routes = new Routes();
  const codec = createCodec(settings);
  const group = settings.consumerGroup ?? '';
  // New for every start: what a dead namesake left behind must be told from what this one holds.
  const consumer = `${settings.consumerName}~${randomBytes(4).toString('hex')}`;
  const unwanted = oncePerType((type) =>
    logger.warn(
      { type, group },
      `Nobody here wants events of type "${type}"; they are ${settings.onUnwanted === 'ack' ? 'passed over' : 'dead-lettered'}.`,
    ),
  );
  const inspection = noInspection();
  const observations = new Observations(inspection, clock, logger);
  const telemetry = telemetryOf({ settings, link, consumer, stats, logger, actor: () => actor });
  const embeddedFlow =
    link.transport === undefined
      ? new EmbeddedFlow({
          concurrency: settings.concurrency,
          onUnwanted: settings.onUnwanted,
          routes,
          unwanted: ({ event }) => unwanted(event.eventType),
          stats,
          work,
          inspection,
        })
      : undefined;
  const embedded = embeddedFlow && new EmbeddedPublisher(embeddedFlow, work);
  const queue = embedded
    ? undefined
    : new PublishQueue({ ...settings, isStoredOnceSent: link.isStoredOnceSent, stats, work });
  const publisher = (embedded ?? queue) as Publisher;
  const flow =
    embeddedFlow ??
    new LaneFlow({
      ...settings,
      canRelease: link.canRelease,
      routes,
      inspection,
      decode: (message) => codec.decode(message),
      isKnown: (type) => settings.registry.has(type),
      unwanted: ({ type }) => unwanted(type),
      stats,
      telemetry,
      work,
      abandonError: () => new ConnectionError('The delivery was lost to another consumer.'),
    });
  const interests = new Interests(routes, settings.registry);
  const { stoodStill, ...told } = occurrences(stats, logger, telemetry);
  const standstills = new StandstillWatch(clock, stoodStill);
  const troubles = new Troubles((subscription, change) => {
    if (subscription === undefined) actor.getSnapshot().children.consumer?.send(change);
    else subscribers.actorOf(subscription)?.send(change);
  });
  const deliverySettings: DeliverySettings = {
    handlerOf: (subscription) => subscribers.handlerOf(subscription),
    ...deadLettering({
      settings,
      defersRetries: link.longestDeferMs !== undefined,
      link,
      group,
      consumer,
      codec,
      logger,
      notice: told.notice,
    }),
    acknowledgesDeadLetters: link.transport !== undefined && !link.capabilities.atomicDeadLetters,
    canRelease: link.canRelease,
    random,
    stats,
    troubles,
  };

  const first = settings.inspect;
  const actor = createActor(busLogic, {
    id: 'bus',
    systemId: 'bus',
    clock,
    ...(first === undefined ? {} : { inspect: observations.first(first.observer, first.limits) }),
    input: {
      transport: link.transport,
      connectTimeoutMs: settings.connectTimeoutMs,
      random,
      publisher,
      consumer: () => ({
        flow,
        deliverySettings,
        random,
        group: link.transport === undefined ? undefined : { name: group, consumer },
        interest: () => interests.current(),
        bound: (interest) => interests.bound(interest),
        notice: told.notice,
      }),
      abortError: () => new Error('The bus was shut down before the handler had ended.'),
      ...told,
    },
  } as Parameters<typeof createActor<typeof busLogic>>[1]) as unknown as BusActor;
  indexTimers(actor.system, clock);
  guardListeners(actor, logger);
  // With an error listener from the start an error of the root is told here, and doesn't end the process.
  // One listener for both: XState goes through all of them for every publish.
  const over = (): void => {
    standstills.stop();
    telemetry?.stop();
  };
  actor.subscribe({
    complete: over,
    error: (error) => {
      logger.error({ err: error }, 'The bus has failed.');
      over();
    },
  });
  observations.own(actor);
  const outgoing = new Outgoing({ actor, codec, telemetry, embedded, queue });

  const subscribers = new Subscribers({
    actor,
    routes,
    policy: settings.retry,
    longestDeferMs: link.longestDeferMs,
    logger,
    registry: link.transport === undefined ? undefined : settings.registry,
    stands: link.bindsTypes === true ? (types) => interests.stands(types) : () => Promise.resolve(),
    deliveryTimeoutMs: link.transport?.deliveryTimeoutMs ?? Infinity,
    handlerInput: {
      group,
      abortGraceMs: settings.abortGraceMs,
      clock,
      stats,
      timeoutError: (subscription, timeoutMs) => new HandlerTimeoutError(subscription, timeoutMs),
      publish: (events, cause, attempt) => publishFrom(listOf(events), cause, !attempt.isOver),
    },
  });
  if (link.bindsTypes === true) {
    // A wildcard asks for every type there is, those defined later too.
    const unwatch = settings.registry.watch(() => {
      if (routes.hasWildcard) actor.send({ type: 'subscriptions.changed' });
    });
    actor.subscribe({ complete: unwatch, error: unwatch });
  }
  actor.start();

  async function publishFrom(
    events: readonly DomainEvent[],
    cause: DomainEvent,
    mayDrain: boolean,
  ): Promise<void> {
    const state = stateOf(actor.getSnapshot());
    // A context outlives its handler only by mistake; from then on it is like anybody else.
    if (state === 'stopped' || (state === 'draining' && !mayDrain)) throw new BusStoppedError(state);
    const send = outgoing.prepare(
      events.map((event) => withCausation(event, cause)),
      true,
    );
    if (embedded === undefined) return send();
    // Accepted when queued: a handler that waited for its own consequences could wait for itself.
    void send().catch((error: unknown) =>
      logger.error({ err: error }, 'A publish of a handler was cut off.'),
    );
  }

  return {
    actor,
    stats,
    work,
    codec,
    logger,
    subscribers,
    routes,
    observations,
    standstills,
    outgoing,
    telemetry,
    embedded,
  };
}

/** One event or a list of them. */
export const listOf = (events: DomainEvent | readonly DomainEvent[]): readonly DomainEvent[] =>
  Array.isArray(events) ? (events as readonly DomainEvent[]) : [events as DomainEvent];
