import { once } from 'node:events';
import type { BrokerEventBus } from 'buschart';
import { startInspector } from 'buschart/inspector';

/** A page that shows the run. */
export interface Inspection extends AsyncDisposable {
  /** Settles when nobody wants to look any more: at a Ctrl-C. */
  ended(): Promise<void>;
}

/**
 * Opens it, says where, and waits until somebody has it open: the run is over in seconds.
 * @throws {unknown} the signal's reason, when it aborts first.
 */
export async function inspectRun(bus: BrokerEventBus, signal: AbortSignal): Promise<Inspection> {
  const inspector = await startInspector(bus, { allowActions: true, payloads: 'full' });
  // The page itself keeps no process alive, and here all of it is for the page.
  const keptAlive = setInterval(() => undefined, 60_000);
  const aborted = once(signal, 'abort');
  const dispose = async (): Promise<void> => {
    clearInterval(keptAlive);
    await inspector.close();
  };
  console.log(`Open ${inspector.url}\nThe run begins when the page is open.`);
  if (!signal.aborted) await Promise.race([inspector.opened, aborted]);
  if (signal.aborted) {
    await dispose();
    throw signal.reason;
  }
  return {
    async ended() {
      console.log('The page stays until Ctrl-C.');
      if (!signal.aborted) await aborted;
    },
    [Symbol.asyncDispose]: dispose,
  };
}
