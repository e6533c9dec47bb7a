import { setTimeout as delay } from 'node:timers/promises';
import { startInspector } from 'buschart/inspector';
import { Command } from 'commander';
import { findChromium } from '../test/support/pages/find-chromium.ts';
import { openChromium } from '../test/support/pages/chromium.ts';
import { busyBus } from '../test/support/pages/job.ts';

/** Pictures of the inspector at work: the one of the docs, or with --all every width and colour scheme to look at. */

const { all, out } = new Command('screenshots')
  .option('--all', 'wide and narrow, light and dark, into the folder --out', false)
  .option('--out <folder>', 'where those go', '.brokers')
  .parse()
  .opts<{ all: boolean; out: string }>();

const wide = { width: 1280, height: 1150 };
const narrow = { width: 420, height: 900 };
const views = all
  ? (['light', 'dark'] as const).flatMap((scheme) =>
      Object.entries({ wide, narrow }).map(([name, size]) => ({
        scheme,
        size,
        file: `${out}/inspector-${name}-${scheme}.png`,
      })),
    )
  : [{ scheme: 'light' as const, size: wide, file: 'docs/inspector.png' }];

const { bus, publishSome } = busyBus();
const inspector = await startInspector(bus, { allowActions: true, payloads: 'full' });
let flights = 0;
const publishing = setInterval(() => void publishSome(30 + Math.round(15 * Math.sin(flights++ / 25))), 50);
try {
  await using opened = await openChromium(findChromium(), { viewport: wide });
  const page = await opened.context.newPage();
  await page.goto(inspector.url);
  // The plots need a past.
  await delay(45_000);
  for (const { scheme, size, file } of views) {
    await page.emulateMedia({ colorScheme: scheme });
    await page.setViewportSize(size);
    await page.getByText('notifyLongDelay', { exact: true }).first().click();
    await delay(1500);
    await page.evaluate('scrollTo(0, 0)');
    await page.screenshot({ path: file, fullPage: all });
    console.log(file);
  }
} finally {
  clearInterval(publishing);
  await inspector.close();
  await bus.shutdown({ timeoutMs: 100 });
}
