import type { IncomingMessage, ServerResponse } from 'node:http';
import type { EventBus } from './api.ts';

const PROBES = new Map([
  ['/live', 'live'],
  ['/ready', 'ready'],
] as const);

/**
 * Answers Kubernetes' probes for `node:http`, or any server that hands its requests on: a path that ends in `/live` or
 * `/ready` with 200 or 503, and what `healthCheck()` says as JSON; anything else with 404. Several buses are live, and
 * ready, when all are.
 */
export function probeHandler(
  buses: EventBus | readonly EventBus[],
): (request: IncomingMessage, response: ServerResponse) => void {
  const all = Array.isArray(buses) ? (buses as readonly EventBus[]) : [buses as EventBus];
  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const [path = ''] = (request.url ?? '').split('?');
    const probe = PROBES.get(path.slice(path.lastIndexOf('/')) as '/live');
    if (probe === undefined) {
      response.writeHead(404).end();
      return;
    }
    const found = await Promise.all(all.map((bus) => bus.healthCheck()));
    const isWell = found.every((health) => health[probe]);
    response.writeHead(isWell ? 200 : 503, {
      'content-type': 'application/json',
      'cache-control': 'no-store',
    });
    response.end(JSON.stringify({ [probe]: isWell, buses: found }));
  };
  return (request, response) => void answer(request, response).catch(() => response.destroy());
}
