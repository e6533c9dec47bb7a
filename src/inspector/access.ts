import { createHash, timingSafeEqual } from 'node:crypto';
import { isIP } from 'node:net';

/** A request as far as access depends on it. */
export interface Caller {
  readonly method: string;
  header(name: string): string | undefined;
}

export interface Refusal {
  readonly status: 401 | 403;
  readonly error: string;
}

export interface AccessSettings {
  readonly token: string;
  /** Names that the page may be opened under, beside addresses. */
  readonly hosts: readonly string[];
  readonly allowActions: boolean;
}

const digest = (text: string): Buffer => createHash('sha256').update(text).digest();

/**
 * Who may read, and who may act. The token keeps out other users of the machine; Host keeps out a foreign page whose name
 * was made to point here; Origin keeps out one that sends requests from the user's own browser.
 */
export class Access {
  readonly #token: Buffer;
  readonly #hosts: ReadonlySet<string>;
  readonly #allowActions: boolean;

  constructor({ token, hosts, allowActions }: AccessSettings) {
    this.#token = digest(token);
    this.#hosts = new Set(hosts.map((host) => host.toLowerCase()));
    this.#allowActions = allowActions;
  }

  /** Asked for every request, the page's own files included: they say nothing, but to nobody else. */
  toPage(caller: Caller): Refusal | undefined {
    const host = caller.header('host') ?? '';
    if (!this.#isOurs(host)) return { status: 403, error: `Not served under the name "${host}".` };
    const origin = caller.header('origin');
    if (origin !== undefined && origin !== `http://${host}` && origin !== `https://${host}`)
      return { status: 403, error: 'Another page asks for this.' };
    const site = caller.header('sec-fetch-site');
    // A link to the page may stand anywhere; what it loads and sends is its own.
    const isOpened = caller.header('sec-fetch-mode') === 'navigate' && caller.method === 'GET';
    if (site !== undefined && site !== 'same-origin' && site !== 'none' && !isOpened)
      return { status: 403, error: 'Another page asks for this.' };
    return undefined;
  }

  toRead(caller: Caller): Refusal | undefined {
    const [scheme, token = ''] = (caller.header('authorization') ?? '').split(' ');
    if (scheme !== 'Bearer' || !timingSafeEqual(digest(token), this.#token))
      return { status: 401, error: 'This needs the token of the URL that was printed at the start.' };
    return undefined;
  }

  toAct(caller: Caller): Refusal | undefined {
    if (!this.#allowActions)
      return { status: 403, error: 'Read-only: start the inspector with allowActions: true.' };
    if (caller.header('origin') === undefined)
      return { status: 403, error: 'An action needs an Origin header.' };
    return this.toRead(caller);
  }

  #isOurs(host: string): boolean {
    const name = host.toLowerCase().replace(/:\d+$/, '');
    // A name can be made to point anywhere, a number can't.
    return this.#hosts.has(name) || isIP(name.replace(/^\[|\]$/g, '')) !== 0;
  }
}
