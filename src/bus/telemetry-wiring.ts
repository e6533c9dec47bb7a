import type { Logger } from '../contracts/logger.ts';
import type { Stats } from '../contracts/telemetry.ts';
import { actorStates } from '../observability/otel/actor-states.ts';
import { Client } from '../observability/otel/client.ts';
import type { BrokerGauges } from '../observability/otel/instruments.ts';
import { Telemetry } from '../observability/otel/telemetry.ts';
import type { BusActor } from '../../machines/index.ts';
import type { Link } from './link.ts';
import type { BusSettings } from './options.ts';
import { consumerOf, stateOf } from './states.ts';

interface Parts {
  readonly settings: BusSettings;
  readonly link: Link;
  /** Name of this start of the bus. */
  readonly consumer: string;
  readonly stats: Stats;
  readonly logger: Logger;
  /** Made later than the telemetry. */
  readonly actor: () => BusActor;
}

/** What follows a bus for traces and metrics; undefined where it is to make neither. */
export function telemetryOf({
  settings,
  link,
  consumer,
  stats,
  logger,
  actor,
}: Parts): Telemetry | undefined {
  if (!settings.enableTracing && !settings.enableMetrics) return undefined;
  let hasFailed = false;
  const failed = (error: unknown): void => {
    if (hasFailed) return;
    hasFailed = true;
    logger.warn({ err: error }, 'The OpenTelemetry SDK threw; events go on without what it was to record.');
  };
  const scope = {
    system: link.transport?.name ?? 'memory',
    destination: link.destination,
    group: settings.consumerGroup,
    client: new Client(consumer, link.transport),
    isKnown: (type: string) => settings.registry.has(type),
    failed,
  };
  const oldestPendingAge = (): number | undefined => {
    const occurredAt = consumerOf(actor().getSnapshot())?.context.flow.oldest?.message.attributes.occurredAt;
    const at = occurredAt === undefined ? NaN : Date.parse(occurredAt);
    return Number.isNaN(at) ? undefined : Math.max(0, (settings.clock.now() - at) / 1000);
  };
  const atBroker = async (): Promise<BrokerGauges | undefined> => {
    const { connection, hasConsumer } = actor().getSnapshot().context;
    if (connection === undefined || !hasConsumer) return undefined;
    const info = await connection.info(settings.consumerGroup);
    return {
      lag: info.lag,
      pending: info.pendingMessages,
      isPendingOwn: info.pendingOf === 'connection',
      deadLetters: info.dlqMessages,
    };
  };
  const here = () => ({
    inFlight: stats.inFlight,
    oldestPendingAge: oldestPendingAge(),
    actors: actorStates(actor()),
  });
  const { partitionLags } = link;
  const isConnected = (): boolean => ['connected', 'consuming'].includes(stateOf(actor().getSnapshot()));
  const kafka = partitionLags && { isConnected, lags: partitionLags };
  return new Telemetry(settings, scope, { stats, here, atBroker }, kafka);
}
