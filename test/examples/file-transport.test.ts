import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describeTransport, testBus } from 'buschart/testing';
import { expect, it } from 'vitest';
import { runSeed } from '../support/seed.ts';
import { fileHarness } from './file-harness.ts';

describeTransport('the transport of files', fileHarness(), { seed: runSeed() });
testBus('a bus over the transport of files', fileHarness(), { seed: runSeed() });

it('is written as a user would: it imports nothing but the public names', () => {
  const folder = 'examples/file-transport';
  const imported = readdirSync(folder).flatMap((file) =>
    [...readFileSync(join(folder, file), 'utf8').matchAll(/from '(?<name>[^']+)'/g)].map(
      ({ groups }) => groups?.['name'],
    ),
  );
  const foreign = imported.filter((name) => !/^(\.\/|node:|buschart(\/|$)|zod$)/.test(name ?? ''));
  expect(imported.length).toBeGreaterThan(20);
  expect(foreign).toEqual([]);
});
