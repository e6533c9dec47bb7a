import { describe, expect, inject, it } from 'vitest';
import { MemoryBroker, NonRetryableError } from 'buschart';
import { browserContext, choose, item, lit, openPage, orderBus, Placed, placed } from './order-page.ts';

const program = inject('chromium');

describe.skipIf(program === undefined)('the inspector of a bus at a broker, in Chromium', () => {
  const context = browserContext(program);

  /** Its first orders can't be handled for now, its later ones never. */
  function troubledBus() {
    const bus = orderBus({
      broker: new MemoryBroker(),
      consumerGroup: 'shipping',
      ordering: 'key',
      retry: { maxRetries: 1, baseDelayMs: 60_000 },
    });
    const subscription = bus.subscribe(
      Placed,
      ({ n }) => {
        if (n < 3) throw new Error('no truck');
        throw new NonRetryableError('no such street');
      },
      { name: 'Shipping' },
    );
    return { bus, subscription };
  }

  it('shows deliveries in trouble as long as they are, and the connection', async () => {
    const { bus, subscription } = troubledBus();
    const { page, complaints } = await openPage(context(), bus);
    await item(page, /^connection open/).waitFor();
    await choose(page, 'connection');
    await expect.poll(() => lit(page)).toContain('connection.open');
    await item(page, /^deliveries idle/).waitFor();
    for (const n of [0, 1, 2]) await bus.publish(placed(n), { background: true });
    const troubled = item(page, /^OrderPlaced [0-9a-f]{8} retrying$/);
    // Folded until somebody wants to see them: there may be hundreds.
    await expect.poll(() => page.locator('#tree li[data-kind=delivery]').count()).toBe(3);
    expect(await troubled.count()).toBe(0);
    await item(page, /^deliveries/).click();
    await page.keyboard.press('ArrowRight');
    await expect.poll(() => troubled.count()).toBe(3);
    await troubled.first().click();
    await expect.poll(() => lit(page)).toContain('delivery.retrying');
    await expect.poll(() => page.locator('#actor-title').innerText()).toMatch(/^OrderPlaced .*\(delivery\)$/);
    await expect
      .poll(() => page.getByRole('img', { name: /^Retrying/ }).getAttribute('aria-label'), { timeout: 5000 })
      .toContain('in trouble 3');
    subscription.unsubscribe();
    await expect.poll(() => troubled.count()).toBe(0);
    await expect.poll(() => page.locator('#actor-title').innerText()).toBe('deliveries');
    expect(complaints).toEqual([]);
  });

  it('shows what the broker holds: lag in its plot, dead letters in plot and table', async () => {
    const { bus } = troubledBus();
    const { page, complaints } = await openPage(context(), bus, { allowActions: true });
    await bus.publish([3, 4].map(placed));
    await bus.idle();
    bus.pause();
    await bus.publish([5, 6, 7, 8, 9].map(placed));
    const plot = (name: RegExp) => page.getByRole('img', { name }).getAttribute('aria-label');
    await expect.poll(() => plot(/^Lag/), { timeout: 8000 }).toContain('not handed out 5');
    await expect.poll(() => plot(/^Dead letters/), { timeout: 8000 }).toContain('stored 2');
    await expect.poll(() => page.locator('#letters-count').innerText(), { timeout: 5000 }).toBe('2');
    const rows = page.locator('#letters tbody tr', { hasText: 'OrderPlaced' });
    await expect.poll(() => rows.count()).toBe(2);
    expect(await rows.first().innerText()).toMatch(
      /not-retryable[^]*Shipping × 1[^]*NonRetryableError no such street/,
    );
    expect(complaints).toEqual([]);
  });

  it('pauses and resumes the consumer where it is chosen', async () => {
    const { bus } = troubledBus();
    const { page, complaints } = await openPage(context(), bus, { allowActions: true });
    await choose(page, 'consumer');
    const actions = page.locator('#actor-actions');
    await actions.getByRole('button', { name: 'Pause consumer' }).click();
    await item(page, /^consumer paused/).waitFor();
    expect(bus.actor.getSnapshot().context.isPaused).toBe(true);
    await actions.getByRole('button', { name: 'Resume consumer' }).waitFor();
    // The same as the bus as a whole.
    await page.getByRole('button', { name: 'Resume bus' }).click();
    await item(page, /^consumer consuming/).waitFor();
    await actions.getByRole('button', { name: 'Pause consumer' }).press('Enter');
    await actions.getByRole('button', { name: 'Resume consumer' }).press('Enter');
    await item(page, /^consumer consuming/).waitFor();
    await choose(page, 'connection');
    await expect.poll(() => actions.getByRole('button').count()).toBe(0);
    expect(complaints).toEqual([]);
  });
});
