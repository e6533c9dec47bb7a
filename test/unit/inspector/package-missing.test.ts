import { expect, it, vi } from 'vitest';
import { DriverMissingError } from '../../../src/errors.ts';
import { startInspector } from '../../../src/inspector/index.ts';
import { memoryBus } from '../../support/memory-bus.ts';

vi.mock('hono', () => {
  throw Object.assign(new Error("Cannot find package 'hono'"), { code: 'ERR_MODULE_NOT_FOUND' });
});

it('an inspector without one of its packages says what to install', async () => {
  const refusal: unknown = await startInspector(memoryBus().bus).catch((error: unknown) => error);
  expect(refusal).toBeInstanceOf(DriverMissingError);
  expect((refusal as Error).message).toBe(
    'The package "hono" is not installed. Run: npm install hono @hono/node-server uplot',
  );
});
