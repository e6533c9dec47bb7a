import { createServer } from 'node:http';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { AddressInfo } from 'node:net';
import { describe, expect, inject, it, onTestFinished } from 'vitest';
import type { InMemoryEventBus } from 'buschart';
import { startInspector, type InspectorOptions } from 'buschart/inspector';
import { browserContext, choose, item, lit, openPage, orderBus, Placed, placed } from './order-page.ts';

const program = inject('chromium');

describe.skipIf(program === undefined)('the inspector in Chromium', () => {
  const context = browserContext(program);

  const open = (bus: InMemoryEventBus, options?: InspectorOptions) => openPage(context(), bus, options);

  it('shows the actors with their states, and follows them', async () => {
    const bus = orderBus();
    const subscription = bus.subscribe(Placed, () => undefined, { name: 'Projection' });
    const { page, complaints } = await open(bus);
    await expect.poll(() => page.getByRole('treeitem').allInnerTexts()).toHaveLength(5);
    await expect.poll(() => item(page, 'Projection consuming').count()).toBe(1);
    subscription.pause();
    await expect.poll(() => item(page, 'Projection paused').count()).toBe(1);
    subscription.unsubscribe();
    await expect.poll(() => item(page, /Projection/).count()).toBe(0);
    expect(complaints).toEqual([]);
  });

  it('takes the token out of the address, keeps it for a reload, and refuses to go without', async () => {
    const { page, inspector } = await open(orderBus());
    expect(page.url()).not.toContain('token');
    await page.reload();
    await item(page, /^bus/).waitFor();
    const other = await context().newPage();
    onTestFinished(() => other.close());
    await other.goto(inspector.url.replace(/#.*/, ''));
    await expect.poll(() => other.getByRole('status').innerText()).toContain('token');
    expect(await other.getByRole('treeitem').count()).toBe(0);
    await other.goto(inspector.url.replace(/#.*/, '#token=wrong-wrong-wrong-wrong'));
    await expect.poll(() => other.getByRole('status').innerText()).toContain('This needs the token');
    await other.goto(inspector.url);
    await item(other, /^bus/).waitFor();
    expect(other.url()).not.toContain('token');
  });

  it("draws the chosen actor's chart, and lights its state as it changes", async () => {
    const bus = orderBus();
    const subscription = bus.subscribe(Placed, () => undefined, { name: 'Projection' });
    const { page, complaints } = await open(bus);
    await choose(page, 'Projection');
    await expect.poll(() => lit(page)).toEqual(['subscription', 'subscription.consuming']);
    subscription.pause();
    await expect.poll(() => lit(page)).toEqual(['subscription', 'subscription.paused']);
    await expect
      .poll(() =>
        page
          .locator('#chart .taken')
          .evaluateAll((all) => all.map((one) => one.getAttribute('data-transition'))),
      )
      .toEqual(expect.arrayContaining(['subscription.consuming/pause/0']));
    await expect
      .poll(() => page.locator('#happened tbody tr').first().innerText())
      .toMatch(/pause\s+→ paused/);
    await choose(page, 'bus');
    await expect.poll(() => lit(page)).toContain('bus.lifecycle.consuming');
    // What is filled would hide the transitions within.
    const fills = await page.evaluate<string[]>(
      `[...document.querySelectorAll('#chart .parent > .box')].map((box) => getComputedStyle(box).fill)`,
    );
    expect(new Set(fills)).toEqual(new Set(['none']));
    await choose(page, 'deliveries');
    await expect.poll(() => lit(page)).toContain('deliveries.idle');
    expect(complaints).toEqual([]);
  });

  it('shows what another actor knows, also when it is the same', async () => {
    const bus = orderBus();
    for (const name of ['One', 'Two']) bus.subscribe(Placed, () => undefined, { name });
    const { page } = await open(bus);
    const handlers = item(page, /^handler/);
    const shown = () => page.locator('#happened tbody, #context').allInnerTexts();
    await handlers.first().click();
    await expect.poll(shown).toEqual([expect.stringContaining('Nothing since'), expect.stringMatching(/./)]);
    await handlers.last().click();
    await expect.poll(shown).toEqual([expect.stringContaining('Nothing since'), expect.stringMatching(/./)]);
  });

  it('plots the figures', async () => {
    const bus = orderBus();
    bus.subscribe(Placed, () => undefined);
    const { page, complaints } = await open(bus);
    await bus.publish(Array.from({ length: 500 }, (_, n) => placed(n)));
    const plots = page.locator('#plots canvas');
    await expect.poll(() => plots.count()).toBe(5);
    const throughput = page.getByRole('img', { name: /^Throughput/ });
    await expect.poll(() => throughput.getAttribute('aria-label'), { timeout: 5000 }).toMatch(/consumed \d/);
    // Something other than the empty canvas has been drawn on each.
    const drawn = () =>
      plots.evaluateAll((all) =>
        (
          all as unknown as {
            width: number;
            height: number;
            getContext(kind: '2d'): { getImageData(...box: number[]): { data: number[] } };
          }[]
        ).map((canvas) =>
          [...canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data].some(
            (byte) => byte !== 0,
          ),
        ),
      );
    await expect.poll(drawn).toEqual([true, true, true, true, true]);
    expect(complaints).toEqual([]);
  });

  describe('dead letters', () => {
    async function withLetters(options: InspectorOptions) {
      const bus = orderBus();
      let isRepaired = false;
      bus.subscribe(
        Placed,
        () => {
          if (!isRepaired) throw new TypeError('the card was declined');
        },
        { name: 'Payments' },
      );
      const { page, complaints } = await open(bus, options);
      await bus.publish([1, 2, 3].map(placed));
      await page.getByRole('button', { name: 'Refresh' }).click();
      await page
        .getByRole('button', { name: /^Details/ })
        .nth(2)
        .waitFor();
      return { bus, page, complaints, repair: () => void (isRepaired = true) };
    }

    it('are listed with their error, stack and attempts, and their payload on demand', async () => {
      const { bus, page, complaints } = await withLetters({ payloads: 'full' });
      const row = page.locator('#letters tbody tr').first();
      expect(await row.innerText()).toMatch(
        /OrderPlaced[^]*attempts-exhausted[^]*Payments × 1[^]*TypeError the card was declined/,
      );
      expect(await page.content()).not.toContain('4242-4242');
      await row.getByRole('button', { name: /^Details/ }).click();
      await page.getByLabel('Stack').first().waitFor();
      await page.getByRole('button', { name: 'Show payload' }).first().click();
      await expect.poll(() => page.getByLabel('Payload').innerText()).toContain('4242-4242');
      // What is unfolded stays so when the list is made anew.
      await bus.publish(placed(4));
      await page.getByRole('button', { name: 'Refresh' }).click();
      await expect.poll(() => page.locator('#letters-count').innerText()).toBe('4');
      expect(await page.getByLabel('Payload').innerText()).toContain('4242-4242');
      expect(complaints).toEqual([]);
    });

    it('show no payload unless it was asked for at the start, and nothing to press but Details', async () => {
      const { page } = await withLetters({});
      await page
        .getByRole('button', { name: /^Details/ })
        .first()
        .click();
      await page.getByText('Payloads are left out').waitFor();
      expect(await page.getByRole('button', { name: 'Show payload' }).count()).toBe(0);
      for (const name of [/^Replay/, /^Purge/, /^Pause/, /^Resume/])
        expect(await page.getByRole('button', { name }).count(), String(name)).toBe(0);
      expect(await page.locator('header').innerText()).toContain('read-only');
    });

    it('are replayed, one and all', async () => {
      const { page, bus, repair, complaints } = await withLetters({ allowActions: true });
      repair();
      await page
        .getByRole('button', { name: /^Replay OrderPlaced/ })
        .first()
        .click();
      await expect.poll(() => page.getByRole('status').innerText()).toBe('Replayed one dead letter.');
      await expect.poll(() => page.locator('#letters-count').innerText()).toBe('2');
      await page.getByRole('button', { name: 'Replay all' }).click();
      await expect.poll(() => page.getByRole('status').innerText()).toBe('Replayed 2 dead letters.');
      await page.getByText('None. Every delivery').waitFor();
      expect(bus.getStats().handlersInvoked).toBe(3);
      expect(complaints).toEqual([]);
    });

    it('are purged after a confirmation, and not by Cancel or Escape', async () => {
      const { page, bus, complaints } = await withLetters({ allowActions: true });
      const purge = page.getByRole('button', { name: 'Purge…' });
      const dialog = page.getByRole('dialog', { name: 'Purge dead letters' });
      await purge.click();
      await dialog.getByRole('button', { name: 'Cancel' }).click();
      await purge.click();
      await dialog.waitFor();
      await page.keyboard.press('Escape');
      await dialog.waitFor({ state: 'hidden' });
      expect(await bus.deadLetters.count()).toBe(3);
      await purge.click();
      expect(await dialog.innerText()).toMatch(/all dead letters .*, 3 at the moment/);
      await dialog.getByRole('button', { name: 'Purge all' }).click();
      await expect.poll(() => page.getByRole('status').innerText()).toBe('Purged 3 dead letters.');
      expect(await bus.deadLetters.count()).toBe(0);
      expect(complaints).toEqual([]);
    });
  });

  it('pauses and resumes the bus and a subscription', async () => {
    const bus = orderBus();
    bus.subscribe(Placed, () => undefined, { name: 'Projection' });
    const { page, complaints } = await open(bus, { allowActions: true });
    await page.getByRole('button', { name: 'Pause bus' }).click();
    await page.getByRole('button', { name: 'Resume bus' }).click();
    await page.getByRole('button', { name: 'Pause bus' }).waitFor();
    await choose(page, 'Projection');
    await page.getByRole('button', { name: 'Pause subscription' }).click();
    await item(page, 'Projection paused').waitFor();
    await page.getByRole('button', { name: 'Resume subscription' }).click();
    await item(page, 'Projection consuming').waitFor();
    expect(complaints).toEqual([]);
  });

  it('offers no pause for what drains', async () => {
    const bus = orderBus();
    let end = (): void => undefined;
    const ended = new Promise<void>((resolve) => (end = resolve));
    const subscription = bus.subscribe(Placed, () => ended, { name: 'Projection' });
    bus.subscribe(Placed, () => undefined, { name: 'Mails' });
    const { page } = await open(bus, { allowActions: true });
    const pauses = page.locator('#actor-actions').getByRole('button');
    await choose(page, 'Projection');
    await pauses.waitFor();
    void bus.publish(placed());
    subscription.unsubscribe();
    await item(page, 'Projection draining').waitFor();
    await expect.poll(() => pauses.count()).toBe(0);
    await choose(page, 'Mails');
    await pauses.waitFor();
    const stopped = bus.shutdown();
    await expect.poll(() => pauses.count()).toBe(0);
    expect(await item(page, 'Mails consuming').count()).toBe(1);
    end();
    await stopped;
  });

  it('is worked by keyboard alone', async () => {
    const bus = orderBus();
    bus.subscribe(Placed, () => Promise.reject(new Error('no')), { name: 'Payments' });
    await bus.publish(placed());
    const { page } = await open(bus, { allowActions: true });
    const focused = () =>
      page.evaluate<string>(
        `document.activeElement.getAttribute('aria-label') ?? document.activeElement.textContent`,
      );
    const tabTo = async (wanted: RegExp): Promise<void> => {
      for (let tab = 0; tab < 40; tab++) {
        await page.keyboard.press('Tab');
        if (wanted.test(await focused())) return;
      }
      throw new Error(`Tab never came to ${wanted}`);
    };
    await tabTo(/^bus/);
    await page.keyboard.press('End');
    expect(await focused()).toMatch(/^handler/);
    await page.keyboard.press('ArrowLeft');
    expect(await focused()).toMatch(/^Payments/);
    await expect.poll(() => page.locator('#actor-title').innerText()).toContain('Payments');
    await page.keyboard.press('ArrowLeft');
    await page.keyboard.press('ArrowLeft');
    expect(await focused()).toMatch(/^bus/);
    await page.keyboard.press('End');
    expect(await focused()).toMatch(/^Payments/);
    await page.keyboard.press('ArrowRight');
    await page.keyboard.press('ArrowRight');
    expect(await focused()).toMatch(/^handler/);
    await tabTo(/^Details of OrderPlaced/);
    await page.keyboard.press('Enter');
    await page.getByLabel('Stack').waitFor();
    await tabTo(/^Replay OrderPlaced/);
    await page.keyboard.press('Space');
    await expect.poll(() => page.getByRole('status').innerText()).toBe('Replayed one dead letter.');
  });

  it.each(['light', 'dark'] as const)('has nothing that axe would object to: %s', async (colorScheme) => {
    const bus = orderBus({ retry: { maxRetries: 1, baseDelayMs: 60_000 } });
    bus.subscribe(Placed, ({ n }) => (n > 5 ? Promise.reject(new Error('again')) : undefined), {
      name: 'Projection',
    });
    const { page } = await open(bus, { allowActions: true, payloads: 'full' });
    await page.emulateMedia({ colorScheme });
    void bus.publish(
      Array.from({ length: 8 }, (_, n) => placed(n)),
      { background: true },
    );
    await page.locator('#chart svg').waitFor();
    await item(page, 'Projection retrying').waitFor();
    const source = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
    await page.evaluate(source);
    const violations = await page.evaluate<{ id: string; nodes: { html: string }[] }[]>(
      'axe.run().then(({ violations }) => violations)',
    );
    expect(violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(' ')}`)).toEqual(
      [],
    );
  });

  it('can be read and driven by no other page', async () => {
    const bus = orderBus();
    const { inspector } = await open(bus, { allowActions: true });
    const { origin, hash } = new URL(inspector.url);
    const foreign = createServer((_, response) =>
      response.setHeader('content-type', 'text/html').end('<!doctype html><p>foreign'),
    ).listen(0, '127.0.0.1');
    await once(foreign, 'listening');
    const page = await context().newPage();
    onTestFinished(async () => {
      await page.close();
      foreign.closeAllConnections();
      foreign.close();
    });
    await page.goto(`http://127.0.0.1:${(foreign.address() as AddressInfo).port}/`);
    const attempts = await page.evaluate(
      async ([target, token]) => {
        const headers = { authorization: `Bearer ${token}` };
        const outcomes: string[] = [];
        const tryTo = async (
          name: string,
          run: () => Promise<{ type: string; status: number }>,
        ): Promise<void> => {
          outcomes.push(
            await run().then(
              ({ type, status }) => `${name}: ${type} ${status}`,
              () => `${name}: blocked`,
            ),
          );
        };
        await tryTo('read', () => fetch(`${target}/api/dead-letters`, { headers }));
        await tryTo('read plainly', () => fetch(`${target}/api/dead-letters`));
        await tryTo('script', () => fetch(`${target}/main.js`));
        await tryTo('act', () => fetch(`${target}/api/actions/pause`, { method: 'POST', headers }));
        // Sent without asking, as a form would; its answer can't be read.
        await tryTo('act blindly', () =>
          fetch(`${target}/api/actions/pause`, { method: 'POST', mode: 'no-cors' }),
        );
        return outcomes;
      },
      [origin, hash.replace('#token=', '')] as const,
    );
    expect(attempts).toEqual([
      'read: blocked',
      'read plainly: blocked',
      'script: blocked',
      'act: blocked',
      'act blindly: blocked',
    ]);
    expect(bus.actor.getSnapshot().context.isPaused).toBe(false);
    await page.setContent(`<iframe src="${origin}/"></iframe>`);
    await expect.poll(() => page.frames().at(1)?.url()).toMatch(/^chrome-error:/);
  });

  it('says when the process does not answer, and comes back with it', async () => {
    const bus = orderBus();
    const { page, inspector } = await open(bus);
    const { port, hash } = new URL(inspector.url);
    await inspector.close();
    await expect.poll(() => page.locator('#link').innerText()).toContain('No connection');
    bus.subscribe(Placed, () => undefined, { name: 'Later' });
    const again = await startInspector(bus, { port: Number(port), token: hash.replace('#token=', '') });
    onTestFinished(() => again.close());
    await item(page, 'Later consuming').waitFor();
    await expect.poll(() => page.locator('#link').isVisible()).toBe(false);
  });

  it('connects again after a server error, such as that of a proxy', async () => {
    const { page } = await open(orderBus());
    await page.route('**/api/stream', (route) =>
      route.fulfill({ status: 502, json: { error: 'no upstream' } }),
    );
    await page.reload();
    await expect.poll(() => page.locator('#link').innerText()).toContain('No connection');
    await page.unroute('**/api/stream');
    await item(page, /^bus/).waitFor();
    await expect.poll(() => page.locator('#link').isVisible()).toBe(false);
  });

  it('says that the bus has stopped', async () => {
    const bus = orderBus();
    const { page } = await open(bus, { allowActions: true });
    await bus.shutdown();
    await page.getByText('What is shown is its end').waitFor();
    await item(page, 'bus stopped').waitFor();
    expect(await page.getByRole('button', { name: /^Pause/ }).count()).toBe(0);
  });

  it('takes what is in a name for text, and leaves room for long ones', async () => {
    const bus = orderBus();
    const name = `<img src=x onerror="document.title='broken'">${'long '.repeat(60)}`;
    bus.subscribe(Placed, () => Promise.reject(new Error(name)), { name });
    await bus.publish(placed());
    const { page, complaints } = await open(bus);
    await choose(page, 'long');
    await expect.poll(() => page.locator('#actor-title').innerText()).toContain('<img');
    expect(await page.title()).not.toBe('broken');
    expect(await page.evaluate('document.documentElement.scrollWidth - innerWidth')).toBeLessThanOrEqual(0);
    expect(complaints).toEqual([]);
  });

  it('stays responsive with 100 actors and 50,000 deliveries a second', async () => {
    const bus = orderBus();
    let handled = 0;
    for (let n = 0; n < 49; n++) bus.subscribe(Placed, () => void handled++, { name: `Handler ${n}` });
    const { page, complaints } = await open(bus);
    await expect.poll(() => page.getByRole('treeitem').count()).toBeGreaterThanOrEqual(100);
    await page.evaluate(`window.longest = 0;
      new PerformanceObserver((list) => {
        for (const { duration } of list.getEntries()) window.longest = Math.max(window.longest, duration);
      }).observe({ type: 'longtask', buffered: false });`);
    let isRunning = true;
    const start = performance.now();
    const running = (async () => {
      while (isRunning) {
        // 10 × 49 deliveries every 5 ms are 98,000 a second, as far as the machine goes along.
        await bus.publish(Array.from({ length: 10 }, (_, n) => placed(n)));
        await new Promise((resolve) => setTimeout(resolve, 3));
      }
    })();
    const tookMs: number[] = [];
    for (let turn = 0; turn < 12; turn++) {
      const wanted = `Handler ${(turn * 7) % 49}`;
      const from = performance.now();
      await page.locator('.row', { has: page.getByText(wanted, { exact: true }) }).click();
      await page.locator('#actor-title', { hasText: `${wanted} (` }).waitFor();
      tookMs.push(performance.now() - from);
      await new Promise((resolve) => setTimeout(resolve, 250));
    }
    isRunning = false;
    await running;
    const perSecond = (handled * 1000) / (performance.now() - start);
    const longest = await page.evaluate<number>('window.longest');
    const middle = tookMs.toSorted((one, other) => one - other)[6] ?? Infinity;
    console.log(
      `${Math.round(perSecond)} deliveries/s; choosing an actor took ${Math.round(middle)} ms, the page's longest task ${Math.round(longest)} ms`,
    );
    expect(perSecond).toBeGreaterThan(50_000);
    expect(middle).toBeLessThan(500);
    expect(longest).toBeLessThan(400);
    expect(complaints).toEqual([]);
  }, 60_000);
});
