import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Socket } from 'node:net';
import type { ProcessWatcher } from './server-process.ts';

/** Reads lists of process ids until the pipe closes, then kills those of the last one and removes the folder. */
const script = `
trap '' HUP INT TERM
pids=
while read -r line; do pids=$line; done
[ -z "$pids" ] || kill -KILL $pids
rm -rf -- "$0" || { sleep 1; rm -rf -- "$0"; }
`;

/**
 * Ends what this process has started when it ends itself, in whichever way: one that is killed runs no code of its own
 * any more. So a shell waits for it, beside it.
 */
export class Guard implements ProcessWatcher {
  readonly #shell: ChildProcess;
  readonly #pids = new Set<number>();

  /** @param folder Removed in the end. */
  constructor(folder: string) {
    this.#shell = spawn('sh', ['-c', script, folder], {
      stdio: ['pipe', 'ignore', 'ignore'],
      detached: true,
    });
    this.#shell.on('error', () => undefined);
    this.#shell.stdin?.on('error', () => undefined);
    this.#shell.unref();
    (this.#shell.stdin as Socket).unref();
  }

  watch(pid: number): void {
    this.#pids.add(pid);
    this.#tell();
  }

  release(pid: number): void {
    if (this.#pids.delete(pid)) this.#tell();
  }

  /** Kills what is still watched and removes the folder; resolves once that's done. Idempotent. */
  async end(): Promise<void> {
    const { pid, exitCode, signalCode } = this.#shell;
    if (pid === undefined || exitCode !== null || signalCode !== null) return;
    const gone = once(this.#shell, 'exit');
    this.#shell.ref();
    this.#shell.stdin?.end();
    await gone;
  }

  #tell(): void {
    this.#shell.stdin?.write(`${[...this.#pids].join(' ')}\n`);
  }
}
