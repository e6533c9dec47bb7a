import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, fstatSync, openSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import type { ServerProgram } from './server-plan.ts';

export interface ProcessWatcher {
  watch(pid: number): void;
  release(pid: number): void;
}

/** One server program: run, killed, frozen, and run again. */
export class ServerProcess {
  readonly #program: ServerProgram;
  readonly #folder: string;
  readonly #logFile: string;
  #child: ChildProcess | undefined;
  /** Where in the log the words of the process running now begin. */
  #logStart = 0;

  /** @param folder Where its log goes, and what it leaves when it crashes. */
  constructor(program: ServerProgram, folder: string) {
    this.#program = program;
    this.#folder = folder;
    this.#logFile = join(folder, `${program.name}.log`);
  }

  /** Of the process running now; undefined while none runs. */
  get pid(): number | undefined {
    const child = this.#child;
    return child?.exitCode === null && child.signalCode === null ? child.pid : undefined;
  }

  /**
   * Resolves once it's ready. Does nothing while it runs.
   * @param watcher Hears of its pid as soon as there is one, and when it's gone.
   * @throws {Error} with its last words when it ends before, or takes too long: then it's killed.
   */
  async start(watcher: ProcessWatcher): Promise<void> {
    if (this.pid !== undefined) return;
    const { command, isReady, startTimeoutMs } = this.#program;
    let failure: string | undefined;
    const child = this.#spawn();
    child.once('error', (error) => (failure = String(error)));
    const { pid } = child;
    if (pid !== undefined) {
      watcher.watch(pid);
      child.once('exit', () => watcher.release(pid));
    }
    const deadline = performance.now() + startTimeoutMs;
    while (this.pid === undefined || !(await isReady())) {
      await pause(50);
      if (this.pid !== undefined && performance.now() < deadline) continue;
      const outcome =
        this.pid === undefined ? 'did not start' : `was not ready after ${startTimeoutMs / 1000} s`;
      await this.kill();
      throw new Error(`${command.file} ${outcome}: ${failure ?? (await this.#lastWords())}`);
    }
  }

  /** Ends the process at once, as a crash would; resolves once it's gone. */
  async kill(): Promise<void> {
    if (this.pid === undefined || this.#child === undefined) return;
    const gone = once(this.#child, 'exit');
    this.#child.kill('SIGKILL');
    await gone;
  }

  /** Stops the process where it stands: its connections stay open and nothing answers. */
  freeze(): void {
    this.#child?.kill('SIGSTOP');
  }

  /** Lets it go on. */
  thaw(): void {
    this.#child?.kill('SIGCONT');
  }

  /** Lets this process end although the server runs on. */
  unref(): void {
    this.#child?.unref();
  }

  #spawn(): ChildProcess {
    const { file, args, env } = this.#program.command;
    const log = openSync(this.#logFile, 'a');
    this.#logStart = fstatSync(log).size;
    try {
      // A session of its own: Ctrl-C is for those who use the server, and they end it in good order.
      this.#child = spawn(file, args, {
        stdio: ['ignore', log, log],
        detached: true,
        cwd: this.#folder,
        env: { ...process.env, ...env },
      });
      return this.#child;
    } finally {
      closeSync(log);
    }
  }

  async #lastWords(): Promise<string> {
    const log = await readFile(this.#logFile).catch(() => Buffer.alloc(0));
    return log
      .subarray(Math.max(this.#logStart, log.length - 4_000))
      .toString()
      .trim();
  }
}
