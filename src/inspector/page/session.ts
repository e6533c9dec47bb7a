import type { Done, Refused } from '../protocol.ts';

const KEY = 'buschart-token';

/** What the server answered instead of what was asked for. */
export class RefusedError extends Error {
  /** It is this page, or its token, that the server refuses: asking again would change nothing. */
  readonly isFinal: boolean;
  constructor(status: number, message: string) {
    super(message);
    this.isFinal = status === 401 || status === 403;
  }
}

/** The token that stands in the address. */
const tokenGiven = (): string | null => new URLSearchParams(location.hash.slice(1)).get('token');

/** The token, out of the address bar and into every request: other tabs, histories and referrers don't get it. */
export class Session {
  readonly #token: string;

  constructor() {
    const given = tokenGiven();
    if (given !== null) {
      sessionStorage.setItem(KEY, given);
      history.replaceState(null, '', location.pathname);
    }
    this.#token = given ?? sessionStorage.getItem(KEY) ?? '';
    // A URL that differs behind its # alone loads nothing by itself.
    addEventListener('hashchange', () => {
      if (tokenGiven() !== null) location.reload();
    });
  }

  get hasToken(): boolean {
    return this.#token !== '';
  }

  /** @throws {RefusedError} what the server says to anything that isn't a success. */
  async request(path: string, options: RequestInit = {}): Promise<Response> {
    const response = await fetch(path, {
      ...options,
      headers: { authorization: `Bearer ${this.#token}` },
    });
    if (response.ok) return response;
    const { error } = (await response.json().catch(() => ({ error: response.statusText }))) as Refused;
    throw new RefusedError(response.status, error);
  }

  async read<T>(path: string): Promise<T> {
    return (await (await this.request(path)).json()) as T;
  }

  async act(name: string, id?: string): Promise<Done> {
    const query = id === undefined ? '' : `?id=${encodeURIComponent(id)}`;
    return (await (await this.request(`/api/actions/${name}${query}`, { method: 'POST' })).json()) as Done;
  }
}
