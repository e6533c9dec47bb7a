import type { BusActor, BusSnapshot, BusState, ConsumerActor } from '../../machines/index.ts';

/** The state of the bus as its user sees it. */
export function stateOf(snapshot: BusSnapshot): BusState {
  const { lifecycle } = snapshot.value;
  return typeof lifecycle === 'string' ? lifecycle : 'draining';
}

/** The consumer's snapshot, while there is one. */
export function consumerOf(snapshot: BusSnapshot): ReturnType<ConsumerActor['getSnapshot']> | undefined {
  return (snapshot.children['consumer'] as ConsumerActor | undefined)?.getSnapshot();
}

/** Resolves with the first snapshot, the present one included, of which `isReached` is true; undefined once that can't come. */
export function reached(
  actor: BusActor,
  isReached: (snapshot: BusSnapshot) => boolean,
  signal?: AbortSignal,
): Promise<BusSnapshot | undefined> {
  return new Promise((resolve, reject) => {
    let following: { unsubscribe(): void } = { unsubscribe: () => undefined };
    const look = (snapshot: BusSnapshot): boolean => {
      if (!isReached(snapshot)) return false;
      end();
      resolve(snapshot);
      return true;
    };
    const end = (): void => {
      following.unsubscribe();
      signal?.removeEventListener('abort', stop);
    };
    const stop = (): void => {
      end();
      reject(signal?.reason as Error);
    };
    const over = (): void => {
      end();
      resolve(undefined);
    };
    if (signal?.aborted === true) return stop();
    if (look(actor.getSnapshot())) return;
    if (actor.getSnapshot().status !== 'active') return over();
    following = actor.subscribe({
      next: (snapshot) => void look(snapshot),
      complete: () => {
        if (!look(actor.getSnapshot())) over();
      },
      error: over,
    });
    signal?.addEventListener('abort', stop, { once: true });
  });
}

/** Follows `promise`, but rejects with the signal's reason as soon as it aborts; `stop` is called then. */
export function untilAborted<T>(
  promise: Promise<T>,
  signal: AbortSignal | undefined,
  stop?: () => Promise<unknown>,
): Promise<T> {
  if (signal === undefined) return promise;
  return new Promise((resolve, reject) => {
    const aborted = (): void => {
      // With something to stop the promise itself tells of the end.
      if (stop === undefined) reject(signal.reason as Error);
      else stop().catch(reject);
    };
    if (signal.aborted) aborted();
    else signal.addEventListener('abort', aborted, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', aborted));
  });
}
