import { describe, expect, inject, it } from 'vitest';
import { browserContext, openPage, orderBus, Placed, placed } from './order-page.ts';

const program = inject('chromium');

describe.skipIf(program === undefined)('the list of dead letters, in Chromium', () => {
  const context = browserContext(program);

  /** A page that lists the first of so many dead letters. */
  async function listed(count: number) {
    const bus = orderBus();
    let isRepaired = false;
    bus.subscribe(Placed, () => {
      if (!isRepaired) throw new Error('no');
    });
    const fail = (many: number) => bus.publish(Array.from({ length: many }, (_, n) => placed(n)));
    await fail(count);
    const { page, complaints } = await openPage(context(), bus, { payloads: 'full', allowActions: true });
    const rows = page.locator('#letters tbody tr:not(.details)');
    await expect.poll(() => rows.count()).toBe(Math.min(count, 50));
    const countIs = async (total: number): Promise<void> => {
      const shown = () => page.locator('#letters-count').innerText();
      await expect.poll(shown, { timeout: 8000 }).toBe(String(total));
    };
    const focused = () =>
      page.evaluate<string>(
        `document.activeElement.getAttribute('aria-label') ?? document.activeElement.textContent`,
      );
    const press = (name: string | RegExp) => page.getByRole('button', { name }).first().press('Enter');
    return { page, complaints, rows, fail, countIs, focused, press, repair: () => (isRepaired = true) };
  }

  it('stays as long as it was, and the focus where it was, when others come', async () => {
    const { rows, fail, countIs, focused, press, complaints } = await listed(120);
    await press('Show more');
    await expect.poll(() => rows.count()).toBe(100);
    expect(await focused()).toBe('Show more');
    await fail(3);
    await countIs(123);
    expect(await rows.count()).toBe(100);
    expect(await focused()).toBe('Show more');
    await press('Show more');
    await expect.poll(() => rows.count()).toBe(123);
    // There are no more: the first of those that came has the focus.
    expect(await focused()).toBe(await rows.nth(100).getByRole('button').first().getAttribute('aria-label'));
    expect(complaints).toEqual([]);
  });

  it('keeps the focus in what is unfolded, and gives it to the payload that was asked for', async () => {
    const { page, fail, countIs, focused, press } = await listed(2);
    await press(/^Details/);
    await page.getByLabel('Stack').focus();
    await fail(1);
    await countIs(3);
    expect(await focused()).toBe('Stack');
    await page.getByRole('button', { name: 'Show payload' }).focus();
    await fail(1);
    await countIs(4);
    expect(await focused()).toBe('Show payload');
    await press('Show payload');
    await expect.poll(focused).toBe('Payload');
    await fail(1);
    await countIs(5);
    expect(await focused()).toBe('Payload');
  });

  it('gives the focus of one that was replayed to the next', async () => {
    const { rows, countIs, focused, press, repair } = await listed(3);
    repair();
    const next = await rows.nth(1).getByRole('button').first().getAttribute('aria-label');
    await press(/^Replay OrderPlaced/);
    await countIs(2);
    expect(await focused()).toBe(next);
  });

  it('shows no answer that is older than what it shows', async () => {
    const { page, rows, press } = await listed(60);
    let answer = (): void => undefined;
    const held = new Promise<void>((resolve) => (answer = resolve));
    await page.route(
      '**/api/dead-letters?*',
      async (route) => {
        const response = await route.fetch();
        await held;
        await route.fulfill({ response });
      },
      { times: 1 },
    );
    const refresh = page.getByRole('button', { name: 'Refresh' });
    await refresh.press('Enter');
    await press('Show more');
    await expect.poll(() => rows.count()).toBe(60);
    answer();
    await expect.poll(() => refresh.getAttribute('aria-disabled')).toBe(null);
    expect(await rows.count()).toBe(60);
  });
});
