import type { Logger } from '../contracts/logger.ts';
import { guardedCall } from './guarded-call.ts';

const line = (write: (...args: unknown[]) => void) => (fields: object, message: string) => {
  try {
    write(`buschart: ${message}`, fields);
  } catch {
    // A closed standard error must not end the bus.
  }
};
const silent = (): void => undefined;

/** Warnings and errors to the console; nothing else. */
export const defaultLogger: Logger = {
  debug: silent,
  info: silent,
  // eslint-disable-next-line no-console -- the console is what this logger is for
  warn: line((...args) => console.warn(...args)),
  // eslint-disable-next-line no-console -- as above
  error: line((...args) => console.error(...args)),
};

/** A user's logger whose exceptions stay outside. */
export function guardedLogger(logger: Logger): Logger {
  const guard =
    (level: keyof Logger) =>
    (fields: object, message: string): void =>
      // When it fails there is nowhere left to say so.
      guardedCall(() => logger[level](fields, message), silent);
  return { debug: guard('debug'), info: guard('info'), warn: guard('warn'), error: guard('error') };
}
