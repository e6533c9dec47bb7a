import type { BrowserContext, Page } from 'playwright-core';
import { afterAll, beforeAll, onTestFinished } from 'vitest';
import { z } from 'zod';
import { defineEvent, EventRegistry, InMemoryEventBus, type InMemoryEventBusOptions } from 'buschart';
import { startInspector, type InspectorOptions } from 'buschart/inspector';
import { openChromium } from '../support/pages/chromium.ts';

const registry = new EventRegistry();

export const Placed = defineEvent({
  type: 'OrderPlaced',
  aggregateType: 'Order',
  registry,
  schema: z.object({ n: z.int(), card: z.string() }),
});
export const placed = (n = 0) => Placed({ aggregateId: `order-${n % 1000}`, n, card: '4242-4242' });

const silent = (): void => undefined;

/** A bus for orders, shut down when the test is over. */
export function orderBus(options: InMemoryEventBusOptions = {}): InMemoryEventBus {
  const logger = { debug: silent, info: silent, warn: silent, error: silent };
  const bus = new InMemoryEventBus({ registry, logger, ...options });
  onTestFinished(async () => void (await bus.shutdown({ timeoutMs: 100 })));
  return bus;
}

/** Of one Chromium for all tests of a block, closed after them. */
export function browserContext(program: string | undefined): () => BrowserContext {
  let opened: Awaited<ReturnType<typeof openChromium>>;
  beforeAll(async () => {
    opened = await openChromium(program!, { viewport: { width: 1280, height: 900 } });
  });
  afterAll(() => opened[Symbol.asyncDispose]());
  return () => opened.context;
}

/** A page that shows the bus, and whatever it complains of. */
export async function openPage(
  context: BrowserContext,
  bus: InMemoryEventBus,
  options: InspectorOptions = {},
) {
  const inspector = await startInspector(bus, options);
  const page = await context.newPage();
  const complaints: string[] = [];
  page.on('pageerror', (error) => complaints.push(error.message));
  page.on('console', (message) => {
    if (message.type() === 'error') complaints.push(message.text());
  });
  onTestFinished(async () => {
    await page.close();
    await inspector.close();
  });
  await page.goto(inspector.url);
  await page.getByRole('treeitem').first().waitFor();
  return { page, inspector, complaints };
}

/** An actor in the tree, by what is read out of it. */
export const item = (page: Page, name: string | RegExp) => page.getByRole('treeitem', { name });

export const choose = (page: Page, name: string) => page.locator('.row', { hasText: name }).first().click();

/** The active states of the chosen actor's chart. */
export const lit = (page: Page) =>
  page.locator('#chart .active').evaluateAll((all) => all.map((one) => one.getAttribute('data-state')));
