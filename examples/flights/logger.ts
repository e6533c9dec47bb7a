import { inspect } from 'node:util';
import type { Logger } from 'buschart';

const silent = (): void => undefined;

function print(fields: object, message: string): void {
  console.error(`buschart: ${message} ${inspect(fields, { breakLength: Infinity })}`);
}

/** Warnings and errors of the bus, but those about one event: handlers fail on purpose here, and the report counts them. */
export const logger: Logger = {
  debug: silent,
  info: silent,
  warn: (fields, message) => {
    if (!('eventId' in fields)) print(fields, message);
  },
  error: print,
};
