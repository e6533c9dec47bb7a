import type { Logger } from '../contracts/logger.ts';

const ignore = (): void => undefined;

/** For buses whose console is watched: whatever reaches it then was meant for nobody. */
export const silent: Logger = { debug: ignore, info: ignore, warn: ignore, error: ignore };
