import { execa } from 'execa';

export const nodeMajor = Number(process.versions.node.split('.')[0]);

const found = new Map<number, Promise<string | undefined>>();

/**
 * Where a Node of that major version is, which npm fetches once, as for `npm run test:node24`. This one where it is new
 * enough; undefined where none can be had.
 */
export function nodeBinary(major: number): Promise<string | undefined> {
  if (nodeMajor >= major) return Promise.resolve(process.execPath);
  let binary = found.get(major);
  if (binary === undefined) {
    binary = fetched(major);
    found.set(major, binary);
  }
  return binary;
}

async function fetched(major: number): Promise<string | undefined> {
  const ask = ['--yes', '--package', `node@${major}`, 'node', '-p', 'process.execPath'];
  const result = await execa('npx', ask, { reject: false, timeout: 180_000 });
  return result.exitCode === 0 ? result.stdout.trim() : undefined;
}
