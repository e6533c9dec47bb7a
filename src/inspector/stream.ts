import type { Context } from 'hono';
import type { Follower } from './follower.ts';
import type { Packages } from './load-packages.ts';

/** So that a proxy in between doesn't take a quiet stream for a dead one, and the page learns of a dead one. */
const BEAT_MS = 5000;

export interface StreamSettings {
  readonly packages: Pick<Packages, 'streamSSE'>;
  readonly follower: Follower;
  /** Ends every stream when it aborts. */
  readonly closing: AbortSignal;
}

/** Server-sent events: what is new, at most once a tick, and only as fast as the page takes it. */
export function streamUpdates(context: Context, { packages, follower, closing }: StreamSettings): Response {
  return packages.streamSSE(context, async (stream) => {
    let wake = (): void => undefined;
    const page = follower.open(() => wake());
    const end = (): void => {
      page.close();
      stream.abort();
      wake();
    };
    closing.addEventListener('abort', end, { once: true });
    stream.onAbort(end);
    try {
      let toldAt = -Infinity;
      while (!stream.aborted) {
        const update = page.updates.next();
        const now = performance.now();
        if (update !== undefined || now - toldAt >= BEAT_MS) {
          toldAt = now;
          await stream.writeSSE({ data: JSON.stringify(update ?? {}) });
        }
        if (stream.aborted) break;
        await new Promise<void>((resolve) => (wake = resolve));
      }
    } finally {
      closing.removeEventListener('abort', end);
      page.close();
    }
  });
}
