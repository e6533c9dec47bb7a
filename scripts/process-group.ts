import { execa, type Options, type ResultPromise } from 'execa';

/** From the request to end, until what is left is killed. */
const GRACE_MS = 5_000;

const COMMON = { detached: true, stdin: 'ignore', reject: false, preferLocal: true } as const;

/** A command, and all that it has started. */
export interface ProcessGroup<O extends Options> {
  readonly command: ResultPromise<O & typeof COMMON>;
  /** Asks all to end; what is left after five seconds is killed. */
  end(): void;
  /** Kills what is left. To be called when the command has ended, or is to. */
  close(): void;
}

/**
 * Runs a command with a process group of its own: a worker in an endless loop outlives the parent that alone is told to
 * end, and would take a core from all that follows. A Ctrl-C is passed on to the group before it ends this process,
 * as it would have without.
 */
export function startGroup<O extends Options>(
  file: string,
  args: readonly string[],
  options: O,
): ProcessGroup<O> {
  const command = execa(file, args, { ...options, ...COMMON });
  const tell = (signal: NodeJS.Signals): void => {
    if (command.pid === undefined) return;
    try {
      process.kill(-command.pid, signal);
    } catch {
      // Nothing of the group is left.
    }
  };
  let grace: NodeJS.Timeout | undefined;
  const end = (signal: NodeJS.Signals): void => {
    tell(signal);
    grace ??= setTimeout(() => tell('SIGKILL'), GRACE_MS);
  };
  let given: NodeJS.Signals | undefined;
  const pass = (signal: NodeJS.Signals): void => {
    given = signal;
    end(signal);
  };
  const signals = ['SIGINT', 'SIGTERM'] as const;
  for (const signal of signals) process.on(signal, pass);
  return {
    command,
    end: () => end('SIGTERM'),
    close: () => {
      clearTimeout(grace);
      tell('SIGKILL');
      for (const signal of signals) process.off(signal, pass);
      // Whoever wanted it to end wants nothing that would follow.
      if (given !== undefined) process.kill(process.pid, given);
    },
  };
}
