import type { Settlement } from '../contracts/settlement.ts';
import type { Logger } from '../contracts/logger.ts';
import type { Message } from '../contracts/message.ts';
import type { TransportNotice } from '../contracts/transport-notice.ts';
import { deadLetterHeaders, deferredHeaders } from '../dead-letters/dead-letter.ts';
import type { Codec } from '../events/codec.ts';
import type { DeliverySettings } from '../../machines/delivery.impl.ts';
import type { Dispatch } from '../../machines/dispatch.ts';
import type { BusSettings } from './options.ts';

/** Takes the dead letters of a bus that has no broker. */
export interface EmbeddedDeadLetters {
  /** Returns how many older ones had to go. */
  add(message: Message, headers: Readonly<Record<string, string>>): number;
}

export interface DeadLetteringSettings {
  readonly settings: Pick<BusSettings, 'enableDlq' | 'clock'>;
  /** Retries wait at the broker. */
  readonly defersRetries: boolean;
  /** Where there is no broker. */
  readonly link: { readonly deadLetters?: EmbeddedDeadLetters };
  readonly group: string;
  readonly consumer: string;
  readonly codec: Codec;
  readonly logger: Logger;
  readonly notice: (notice: TransportNotice) => void;
}

/** How a delivery that failed is stored and told of. */
export function deadLettering({
  settings,
  defersRetries,
  link,
  group,
  consumer,
  codec,
  logger,
  notice,
}: DeadLetteringSettings): Pick<
  DeliverySettings,
  'attemptFailed' | 'storeDeadLetter' | 'storeFailed' | 'defer'
> {
  const storeDeadLetter: DeliverySettings['storeDeadLetter'] = async (dispatch, settlement) => {
    const facts = factsOf(dispatch, settlement);
    const { reason, failures, error } = settlement as Extract<Settlement, { kind: 'dead-letter' }>;
    const tell = (): void => dispatch.telemetry?.failed(reason, failures[0]?.error ?? error);
    if (!settings.enableDlq) {
      tell();
      logger.error(facts, 'A delivery failed for good and is dropped: enableDlq is false.');
      return 'dropped';
    }
    const { delivery, headers, event } = dispatch;
    const record = deadLetterHeaders({
      settlement: settlement as Extract<Settlement, { kind: 'dead-letter' }>,
      headers,
      group,
      consumer,
      destination: delivery?.destination ?? 'memory',
      position: delivery?.position ?? event.eventId,
      now: settings.clock.now(),
    });
    if (delivery !== undefined) await delivery.deadLetter(record);
    else {
      const count = link.deadLetters?.add(codec.encode(event, headers), record) ?? 0;
      const detail = `${count} dead letter(s) had to go for newer ones.`;
      if (count > 0) notice({ kind: 'dead-letters-dropped', count, detail });
    }
    tell();
    logger.warn(facts, 'A delivery failed for good and is a dead letter now.');
    return 'dead-lettered';
  };
  return {
    // Only a detail: what it comes to in the end is logged louder.
    attemptFailed: (dispatch, { subscription, attempt, failure }, decision) => {
      dispatch.telemetry?.decided(subscription, attempt, failure?.error, decision);
      logger.info(
        { ...factsOf(dispatch, undefined), subscription, attempt, err: failure?.error },
        `A handler failed: ${decision.kind === 'retry' ? `again in ${decision.delayMs} ms` : 'it is not tried again'}.`,
      );
    },
    storeDeadLetter,
    defer: defersRetries
      ? async ({ delivery }, retry) =>
          delivery?.defer?.(retry.delayMs, deferredHeaders(delivery.message.headers, retry))
      : undefined,
    storeFailed: (dispatch, error) =>
      logger.error(
        { ...factsOf(dispatch, undefined), err: error },
        'Its dead letter or its next attempt could not be stored; the delivery is kept and it is tried again.',
      ),
  };
}

function factsOf({ delivery, event }: Dispatch, settlement: Settlement | undefined): object {
  const facts = {
    eventType: delivery?.message.type ?? event.eventType,
    eventId: delivery?.message.id ?? event.eventId,
    position: delivery?.position,
  };
  if (settlement?.kind !== 'dead-letter') return facts;
  const failure = settlement.failures[0];
  return {
    ...facts,
    reason: settlement.reason,
    subscription: failure?.subscription,
    attempts: failure?.attempts,
    err: failure?.error ?? settlement.error,
  };
}
