import type { DeadLetter, DeadLetterAdmin } from '../dead-letters/admin.ts';
import { withoutPasswords } from '../observability/shown-error.ts';
import { shownBody } from '../observability/shown-payload.ts';
import type { DeadLetterPage, DeadLetterPayload, DeadLetterRow } from './protocol.ts';
import type { Payloads } from '../observability/inspection.ts';

const PAGE = 50;

/** The oldest dead letters, so many of them (50), without their bodies. */
export async function deadLetterPage(admin: DeadLetterAdmin, limit = PAGE): Promise<DeadLetterPage> {
  // One more than is shown, to know whether there are more.
  const [letters, total] = await Promise.all([admin.list({ limit: limit + 1 }), admin.count()]);
  return { letters: letters.slice(0, limit).map(rowOf), total, hasMore: letters.length > limit };
}

/** Undefined when there is no such dead letter any more. */
export async function deadLetterPayload(
  admin: DeadLetterAdmin,
  id: string,
  payloads: Payloads,
): Promise<DeadLetterPayload | undefined> {
  for (let after: string | undefined; ;) {
    const letters = await admin.list({ limit: 100, ...(after !== undefined && { after }) });
    const letter = letters.find((one) => one.id === id);
    if (letter !== undefined) return shownBody(letter.body, letter.headers, payloads);
    after = letters.at(-1)?.cursor;
    if (after === undefined) return undefined;
  }
}

function rowOf(letter: DeadLetter): DeadLetterRow {
  const { error, failedHandlers, firstFailedAt, lastFailedAt } = letter;
  return {
    id: letter.id,
    eventType: letter.eventType,
    eventId: letter.eventId,
    aggregateId: letter.aggregateId,
    reason: letter.reason,
    error: {
      name: error.name,
      message: withoutPasswords(error.message),
      stack: error.stack && withoutPasswords(error.stack),
    },
    handlers: failedHandlers.map(({ name, attempts, error: message }) => ({
      name,
      attempts,
      error: withoutPasswords(message),
    })),
    attempts: letter.attempts,
    replayCount: letter.replayCount,
    destination: letter.destination,
    position: letter.position,
    firstFailedAt: isoOf(firstFailedAt),
    lastFailedAt: isoOf(lastFailedAt),
  };
}

/** A foreign writer's time may be none. */
const isoOf = (time: Date): string => (Number.isNaN(time.getTime()) ? '' : time.toISOString());
