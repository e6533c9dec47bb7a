import { hash } from 'node:crypto';
import type { HandlerContext } from 'buschart';
import type { FlightArrived } from './events.ts';
import type { Journal } from './journal.ts';

/** A delay worth a message, in minutes: longer than this. */
export const longDelayMinutes = 60;

/** Share of attempts that fail, so that the bus has something to retry. */
const failureShare = 0.15;

export interface NotifierOptions {
  readonly seed: number;
  readonly journal: Journal;
  /** Asked before every attempt. */
  readonly isRepaired: () => boolean;
  /** Told of every message that went out, with the attempt on which it did. */
  readonly onNotified: (eventId: string, attempt: number) => void;
}

/** A handler that tells passengers of a long delay, over a mail server that fails now and then. */
export function createNotifier({ seed, journal, isRepaired, onNotified }: NotifierOptions) {
  return async function notifyOfLongDelay(event: FlightArrived, { attempt }: HandlerContext): Promise<void> {
    if (event.delayMinutes <= longDelayMinutes) return;
    if (!isRepaired() && failsOn(seed, event.eventId, attempt)) {
      throw new Error('the mail server did not answer');
    }
    await journal.append(['notified', event.eventId, attempt]);
    onNotified(event.eventId, attempt);
  };
}

/** Chance that is the same in every run, process and order of events. */
export function failsOn(seed: number, eventId: string, attempt: number): boolean {
  const dice = Number.parseInt(hash('sha256', `${seed}:${eventId}:${attempt}`).slice(0, 8), 16);
  return dice / 2 ** 32 < failureShare;
}
