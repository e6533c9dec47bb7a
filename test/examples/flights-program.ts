import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { execa } from 'execa';

const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));

/** How a run of `examples/flights` ended. */
export interface FlightsRun {
  readonly exitCode: number | undefined;
  readonly stdout: string;
  readonly stderr: string;
  /** Names of what it left in its own temporary folder. */
  readonly leftovers: readonly string[];
}

/**
 * Runs the program as `npm start` does, on the package as it was built last.
 * @param interruption Sends the signal once the output holds the text.
 */
export async function runFlights(
  args: readonly string[],
  interruption?: {
    readonly on: string;
    readonly signal: 'SIGINT' | 'SIGTERM';
    /** Told of its output as it comes. */
    readonly during?: (text: string) => void;
  },
): Promise<FlightsRun> {
  const temporary = await mkdtemp(join(tmpdir(), 'flights-program-'));
  try {
    const program = execa(process.execPath, ['--import', 'tsx', 'examples/flights/main.ts', ...args], {
      cwd: root,
      env: { TMPDIR: temporary },
      reject: false,
      stdin: 'ignore',
    });
    if (interruption !== undefined) {
      program.stdout.on('data', (chunk: Buffer) => {
        interruption.during?.(chunk.toString());
        if (chunk.toString().includes(interruption.on)) program.kill(interruption.signal);
      });
    }
    const { exitCode, stdout, stderr } = await program;
    // tsx keeps its cache there.
    const leftovers = (await readdir(temporary)).filter((name) => !name.startsWith('tsx-'));
    return { exitCode, stdout, stderr, leftovers };
  } finally {
    await rm(temporary, { recursive: true, force: true });
  }
}
