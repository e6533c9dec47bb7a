import { request as httpRequest, type IncomingMessage, type OutgoingHttpHeaders } from 'node:http';
import { onTestFinished } from 'vitest';
import type { BrokerEventBus } from '../../src/bus/api.ts';
import { startInspector, type InspectorOptions } from '../../src/inspector/index.ts';
import type { Update } from '../../src/inspector/protocol.ts';

export interface Answer {
  readonly status: number;
  readonly headers: IncomingMessage['headers'];
  readonly text: string;
}

/** An inspector of the bus, closed when the test is over, and the ways to ask it. */
export async function inspectorRig(bus: BrokerEventBus, options: InspectorOptions = {}) {
  const inspector = await startInspector(bus, options);
  onTestFinished(() => inspector.close());
  const url = new URL(inspector.url);
  const token = url.hash.replace('#token=', '');
  const { host, port, origin } = url;

  /** fetch would not let a test lie about Host and Origin. */
  const ask = (path: string, method: string, headers: OutgoingHttpHeaders): Promise<Answer> =>
    new Promise((resolve, reject) => {
      const asked = httpRequest({ host: '127.0.0.1', port, path, method, headers }, (response) => {
        let text = '';
        response.setEncoding('utf8');
        response.on('data', (chunk: string) => (text += chunk));
        response.on('end', () =>
          resolve({ status: response.statusCode ?? 0, headers: response.headers, text }),
        );
      });
      asked.on('error', reject);
      asked.end();
    });
  const authorization = `Bearer ${token}`;
  const get = (path: string, headers: OutgoingHttpHeaders = {}) =>
    ask(path, 'GET', { authorization, ...headers });
  const post = (path: string, headers: OutgoingHttpHeaders = {}) =>
    ask(path, 'POST', { authorization, origin, ...headers });

  /** Follows the stream until the test is over. */
  async function follow(): Promise<{
    readonly updates: Update[];
    readonly ended: Promise<void>;
    stop(): void;
  }> {
    const ending = new AbortController();
    onTestFinished(() => ending.abort());
    const response = await fetch(new URL('/api/stream', origin), {
      headers: { authorization },
      signal: ending.signal,
    });
    const updates: Update[] = [];
    const read = async (): Promise<void> => {
      let rest = '';
      for await (const chunk of response.body?.pipeThrough(new TextDecoderStream()) ?? []) {
        const parts = (rest + chunk).split('\n\n');
        rest = parts.pop() ?? '';
        for (const part of parts) updates.push(JSON.parse(part.replace(/^data: /, '')) as Update);
      }
    };
    const ended = read().catch(() => undefined);
    return { updates, ended, stop: () => ending.abort() };
  }
  return { inspector, host, origin, token, ask, get, post, follow };
}
