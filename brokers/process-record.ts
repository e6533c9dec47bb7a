import { execFileSync } from 'node:child_process';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import type { ProcessWatcher } from './server-process.ts';

/**
 * A file that remembers a process beyond the end of the one that started it. A process id alone would not do: after a
 * while another process has it.
 */
export class ProcessRecord implements ProcessWatcher {
  readonly #file: string;

  constructor(file: string) {
    this.#file = file;
  }

  /** Of the process remembered, if that one still runs. */
  get pid(): number | undefined {
    let lines: string[];
    try {
      lines = readFileSync(this.#file, 'utf8').split('\n');
    } catch {
      return undefined;
    }
    const pid = Number(lines[0]);
    return pid > 0 && startOf(pid) === lines[1] ? pid : undefined;
  }

  watch(pid: number): void {
    writeFileSync(this.#file, `${pid}\n${startOf(pid) ?? ''}\n`);
  }

  release(): void {
    rmSync(this.#file, { force: true });
  }
}

/** When that process started, in words that tell it from any other; undefined when none runs. */
function startOf(pid: number): string | undefined {
  try {
    if (process.platform !== 'linux')
      return execFileSync('ps', ['-o', 'lstart=', '-p', String(pid)], { encoding: 'utf8' }).trim();
    // The name stands in brackets and may hold anything; after it the state and, twentieth, the clock ticks since boot.
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
      .replace(/^.*\) /s, '')
      .split(' ');
    const isRunning = fields[0] !== 'Z' && fields[0] !== 'X';
    return isRunning ? fields[19] : undefined;
  } catch {
    return undefined;
  }
}
