import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

const TIMEOUT_MS = 25_000;

/** Runs a file of `examples/` as the README says. Resolves with what it printed; rejects when it fails or doesn't end. */
export async function runExample(
  file: string,
  environment: Readonly<Record<string, string>>,
  ...args: readonly string[]
): Promise<string> {
  const command = ['--import', 'tsx', `examples/${file}`, ...args];
  const { stdout } = await promisify(execFile)(process.execPath, command, {
    env: { ...process.env, ...environment },
    timeout: TIMEOUT_MS,
  });
  return stdout;
}
