import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join, resolve } from 'node:path';
import { cruise, type ICruiseResult, type IForbiddenRuleType } from 'dependency-cruiser';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const root = resolve(import.meta.dirname, '../..');
const { forbidden, options } = createRequire(import.meta.url)('../../.dependency-cruiser.cjs') as {
  forbidden: IForbiddenRuleType[];
  options: Record<string, unknown>;
};

async function cruiseFolder(baseDir: string, folders: string[]): Promise<ICruiseResult> {
  const { enhancedResolveOptions, ...rest } = options;
  const { output } = await cruise(
    folders,
    { ...rest, baseDir, ruleSet: { forbidden }, validate: true },
    enhancedResolveOptions as object,
  );
  return output as ICruiseResult;
}

const brokenRules = (result: ICruiseResult) =>
  result.summary.violations.map(({ rule, from, to }) => `${rule.name}: ${from} → ${to}`).toSorted();

describe('the library', () => {
  let result: ICruiseResult;
  beforeAll(async () => {
    result = await cruiseFolder(root, ['src', 'machines']);
  });

  it('keeps the import rules', () => {
    expect(result.summary.totalCruised).toBeGreaterThan(20);
    expect(brokenRules(result)).toEqual([]);
  });

  it('declares every package that it imports, and imports every package that it declares', () => {
    const manifest = createRequire(import.meta.url)('../../package.json') as {
      dependencies: Record<string, string>;
      peerDependencies: Record<string, string>;
      peerDependenciesMeta: Record<string, { optional: boolean }>;
    };
    const imported = new Set(
      result.modules.flatMap((module) =>
        module.dependencies
          .filter(({ coreModule, module: name }) => !coreModule && !name.startsWith('.'))
          .map(({ module: name }) => name)
          .map((name) =>
            name
              .split('/')
              .slice(0, name.startsWith('@') ? 2 : 1)
              .join('/'),
          ),
      ),
    );
    const { dependencies, peerDependencies, peerDependenciesMeta } = manifest;
    const declared = [...Object.keys(dependencies), ...Object.keys(peerDependencies)];
    expect([...imported].toSorted()).toEqual(declared.toSorted());
    expect(Object.keys(peerDependencies)).toEqual(expect.arrayContaining(Object.keys(peerDependenciesMeta)));
  });
});

describe('the import rules', () => {
  /** By rule: the files of a small project that breaks this one rule alone. */
  const violations: Record<string, Record<string, string>> = {
    'no-cycles': {
      'src/a.ts': `import { b } from './b.ts';\nexport const a = () => b;`,
      'src/b.ts': `import type { a } from './a.ts';\nexport const b = 1 as unknown as typeof a;`,
    },
    'everything-resolves': { 'src/a.ts': `import './missing.ts';` },
    'contracts-import-nothing-else': {
      'src/contracts/a.ts': `import type { E } from '../errors.ts';\nexport type A = E;`,
      'src/errors.ts': `export interface E { e: 1 }`,
    },
    'machines-know-xstate-and-contracts': {
      'machines/a.ts': `import type { X } from '../src/x.ts';\nexport type A = X;`,
      'src/x.ts': `export type X = 1;`,
    },
    'transports-know-only-the-port': {
      'src/transports/memory/a.ts': `export { b } from '../redis/b.ts';`,
      'src/transports/redis/b.ts': `export const b = 1;`,
    },
    'a-subpath-joins-one-transport': {
      'src/transports/memory/index.ts': `export { b } from '../redis/b.ts';`,
      'src/transports/redis/b.ts': `export const b = 1;`,
    },
    'drivers-stay-in-their-transport': {
      'src/bus/a.ts': `import type { Redis } from 'ioredis';\nexport type A = Redis;`,
    },
    'the-root-never-reaches-a-driver': {
      'src/index.ts': `export * from './bus.ts';`,
      'src/bus.ts': `export const load = () => import('./transports/redis/a.ts');`,
      'src/transports/redis/a.ts': `import { Redis } from 'ioredis';\nexport const a = Redis;`,
    },
    'the-inspector-is-a-subpath': {
      'src/index.ts': `export { start } from './inspector/index.ts';`,
      'src/inspector/index.ts': `export const start = 1;`,
    },
    'the-inspector-alone-serves': {
      'src/bus/a.ts': `import { Hono } from 'hono';\nexport const a = new Hono();`,
    },
    'the-page-knows-the-protocol-alone': {
      'src/inspector/page/a.ts': `import { b } from '../b.ts';\nexport const a = b;`,
      'src/inspector/b.ts': `export const b = 1;`,
    },
    'the-server-is-not-the-page': {
      'src/inspector/a.ts': `import { b } from './page/b.ts';\nexport const a = b;`,
      'src/inspector/page/b.ts': `export const b = 1;`,
    },
    'the-repository-knows-no-bus': {
      'src/repository/a.ts': `export { b } from '../bus/b.ts';`,
      'src/bus/b.ts': `export const b = 1;`,
    },
    'charts-know-no-machine': {
      'src/charts/a.ts': `export { b } from '../../machines/b.ts';`,
      'machines/b.ts': `export const b = 1;`,
    },
    'the-command-line-knows-machines-and-charts': {
      'src/cli/main.ts': `import { b } from '../bus/b.ts';\nexport const a = b;`,
      'src/bus/b.ts': `export const b = 1;`,
    },
    'nothing-imports-the-command-line': {
      'src/bus/a.ts': `export { b } from '../cli/b.ts';`,
      'src/cli/b.ts': `export const b = 1;`,
    },
    'layout-and-arguments-stay-in-their-rooms': {
      'src/observability/a.ts': `import ELK from 'elkjs/lib/elk.bundled.js';\nexport const a = ELK;`,
    },
    'the-root-reaches-neither-layout-nor-commander': {
      'src/index.ts': `export * from './bus.ts';`,
      'src/bus.ts': `export const load = () => import('./charts/a.ts');`,
      'src/charts/a.ts': `import ELK from 'elkjs/lib/elk.bundled.js';\nexport const a = ELK;`,
    },
    'the-model-knows-no-machine': {
      'src/testing/model/a.ts': `import { b } from '../../../machines/b.ts';\nexport const a = b;`,
      'machines/b.ts': `export const b = 1;`,
    },
    'the-library-stands-alone': {
      'src/a.ts': `import { t } from '../test/t.ts';\nexport const a = t;`,
      'test/t.ts': `export const t = 1;`,
    },
  };

  let folder: string;
  beforeAll(async () => {
    // Within the checkout, for its node_modules are what imports are resolved against.
    await mkdir(join(root, '.brokers'), { recursive: true });
    folder = await mkdtemp(join(root, '.brokers', 'imports-'));
  });
  afterAll(() => rm(folder, { recursive: true }));

  it('have a planted violation each', () => {
    expect(Object.keys(violations).toSorted()).toEqual(forbidden.map(({ name }) => name ?? '').toSorted());
  });

  it.each(Object.entries(violations))('catch a violation of %s', async (rule, files) => {
    const project = join(folder, rule);
    for (const [name, text] of Object.entries(files)) {
      const file = join(project, name);
      await mkdir(dirname(file), { recursive: true });
      await writeFile(file, text);
    }
    await symlink(join(root, 'node_modules'), join(project, 'node_modules'));
    const folders = [...new Set(Object.keys(files).map((name) => name.split('/')[0]!))];
    const broken = brokenRules(await cruiseFolder(project, folders)).map(
      (violation) => violation.split(':')[0],
    );
    expect(new Set(broken)).toEqual(new Set([rule]));
  });
});
