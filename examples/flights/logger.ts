import { inspect } from 'node:util';
import type { Logger } from 'buschart';

const silent = (): void => undefined;

function print(fields: object, message: string): void {
  console.error(`buschart: ${message} ${inspect(fields, { breakLength: Infinity })}`);
}

/**
 * Warnings and errors of the bus, but those about one event: handlers fail on purpose here, and the report counts them.
 * What was taken over after --kill is meant to be, so it gets no more than a line.
 */
export const logger: Logger = {
  debug: silent,
  info: silent,
  warn: (fields, message) => {
    if ('kind' in fields && fields.kind === 'claimed' && 'count' in fields)
      console.error(`buschart: took over ${String(fields.count)} event(s) of another worker`);
    else if (!('eventId' in fields)) print(fields, message);
  },
  error: print,
};
