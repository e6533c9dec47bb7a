import { expect, it, vi } from 'vitest';
import { chartOf, svgOf } from '../../../src/charts/index.ts';
import { DriverMissingError } from '../../../src/index.ts';
import { stateless } from '../../support/vending-machine.ts';

vi.mock('elkjs/lib/elk.bundled.js', () => {
  throw Object.assign(new Error("Cannot find package 'elkjs'"), { code: 'ERR_MODULE_NOT_FOUND' });
});

it('a picture without elkjs says what to install', async () => {
  const refusal: unknown = await svgOf(chartOf(stateless)).catch((error: unknown) => error);
  expect(refusal).toBeInstanceOf(DriverMissingError);
  expect(refusal).toMatchObject({ code: 'DRIVER_MISSING', retryable: false });
  expect((refusal as Error).message).toContain('npm install elkjs');
});
