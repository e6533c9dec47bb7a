import type { Options } from 'execa';
import { startGroup, type ProcessGroup } from './process-group.ts';

/**
 * Runs a command that may not take longer than `timeLimitMs`, and ends all of it then, what it has started included.
 * Resolves once the command has ended; `isTimeUp` tells that it was ended.
 */
export async function bounded<O extends Options>(
  file: string,
  args: readonly string[],
  timeLimitMs: number,
  options: O,
): Promise<Awaited<ProcessGroup<O>['command']> & { readonly isTimeUp: boolean }> {
  let isTimeUp = false;
  const group = startGroup(file, args, options);
  const timer = setTimeout(() => {
    isTimeUp = true;
    group.end();
  }, timeLimitMs);
  try {
    return Object.assign(await group.command, { isTimeUp });
  } finally {
    clearTimeout(timer);
    group.close();
  }
}
