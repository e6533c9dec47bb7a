import type { Logger } from '../contracts/logger.ts';
import type { Stats } from '../contracts/telemetry.ts';
import type { TransportNotice } from '../contracts/transport-notice.ts';
import { ConnectionError } from '../errors.ts';
import type { Telemetry } from '../observability/otel/telemetry.ts';
import type { BusInput } from '../../machines/bus-input.ts';

/** What a bus and its broker go through beside the deliveries: counted, measured and logged. */
export function occurrences(
  stats: Stats,
  logger: Logger,
  telemetry: Telemetry | undefined,
): Pick<BusInput, 'connectFailed' | 'lost' | 'reconnected' | 'failed' | 'consumerEnded' | 'notice'> & {
  readonly stoodStill: (ms: number) => void;
} {
  const notice = (noticed: TransportNotice): void => {
    const { kind, count, detail, isRepeated = false } = noticed;
    if (kind === 'dead-letters-dropped') stats.dropped += count;
    if (kind === 'unroutable') stats.eventsUnroutable += count;
    telemetry?.noticed(kind, count);
    if (!isRepeated) logger.warn(noticed, detail);
  };
  return {
    notice,
    stoodStill: (ms) =>
      notice({
        kind: 'stood-still',
        count: 1,
        detail: `This process did nothing for ${ms} ms: something blocked its event loop, or it was frozen. Its broker may have given its deliveries to others.`,
      }),
    connectFailed: ({ error = new ConnectionError('There was no answer in time.'), isFirst, isTerminal }) => {
      telemetry?.connectFailed(error);
      // What is refused for good is logged as such, and a loss has been. Where the driver stands in its code tells nobody more.
      if (isFirst && !isTerminal)
        logger.warn(
          { reason: (error as Error).message },
          'The broker can not be reached yet; it is tried again.',
        );
    },
    lost: (error) => {
      telemetry?.connectionLost(error);
      logger.warn({ err: error }, 'The connection is lost; it is being opened again.');
    },
    reconnected: () => {
      stats.reconnections++;
      telemetry?.noticed('reconnected', 1);
      logger.info({ reconnections: stats.reconnections }, 'The connection stands again.');
    },
    consumerEnded: (error) =>
      logger.error({ err: error }, 'Consuming has ended for good; what is published goes on.'),
    failed: (error) => {
      logger.error({ err: error }, 'The broker refuses this bus; it has given up.');
    },
  };
}
