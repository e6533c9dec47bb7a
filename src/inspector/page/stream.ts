import type { Update } from '../protocol.ts';
import { RefusedError, type Session } from './session.ts';

/** The server says something every 5 s; one that is silent for longer is gone. */
const SILENCE_MS = 15_000;
const PAUSES_MS = [200, 500, 1000, 2000, 5000];

export interface StreamListener {
  update(update: Update): void;
  /** The stream is open, or will be tried again. */
  link(isOpen: boolean): void;
  /** The server refuses this page, so there is nothing to try again. */
  refused(reason: string): void;
}

/** Follows the server's events, and connects again for as long as the page is open. EventSource could send no token. */
export async function follow(session: Session, listener: StreamListener): Promise<void> {
  for (let failures = 0; ; failures++) {
    try {
      await readStream(session, (update) => {
        failures = 0;
        listener.link(true);
        listener.update(update);
      });
    } catch (error) {
      if (error instanceof RefusedError && error.isFinal) {
        listener.refused(error.message);
        return;
      }
    }
    listener.link(false);
    const pause = PAUSES_MS[Math.min(failures, PAUSES_MS.length - 1)];
    await new Promise((resolve) => setTimeout(resolve, pause));
  }
}

async function readStream(session: Session, tell: (update: Update) => void): Promise<void> {
  const silent = new AbortController();
  let timer: number | undefined;
  const heard = (): void => {
    clearTimeout(timer);
    timer = setTimeout(() => silent.abort(), SILENCE_MS);
  };
  try {
    heard();
    const response = await session.request('/api/stream', { signal: silent.signal });
    const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
    let rest = '';
    for (;;) {
      const { done, value } = (await reader?.read()) ?? { done: true, value: undefined };
      if (done) return;
      heard();
      const parts = (rest + value).split('\n\n');
      rest = parts.pop() ?? '';
      for (const part of parts) if (part.startsWith('data: ')) tell(JSON.parse(part.slice(6)) as Update);
    }
  } finally {
    clearTimeout(timer);
  }
}
