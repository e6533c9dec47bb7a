import type { Logger } from '../../src/index.ts';

/** A logger, and the fields of all that it is told at warning level or above. */
export function notedWarnings() {
  const warnings: { readonly kind?: string; readonly detail?: string }[] = [];
  const note = (fields: object) => void warnings.push(fields);
  const ignore = () => undefined;
  const logger: Logger = { debug: ignore, info: ignore, warn: note, error: note };
  return { logger, warnings };
}
