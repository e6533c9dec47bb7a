/** Where a value stands within an event: kept as a chain, so that a path is put together only for an error. */
export interface Place {
  readonly eventType: string;
  readonly container: object;
  /** Undefined at the root, which is the event itself. */
  readonly key: string | number | undefined;
  readonly parent: Place | undefined;
  readonly depth: number;
}

/** The root of a chain. */
export function placeIn(eventType: string, container: object): Place {
  return { eventType, container, key: undefined, parent: undefined, depth: 0 };
}

export function within(parent: Place, key: string | number, container: object): Place {
  return { eventType: parent.eventType, container, key, parent, depth: parent.depth + 1 };
}

/** As {@link formatPath} writes it. */
export function pathOf(parent: Place, key: string | number): string {
  const keys: (string | number)[] = [key];
  for (let place: Place | undefined = parent; place !== undefined; place = place.parent) {
    if (place.key !== undefined) keys.unshift(place.key);
  }
  return formatPath(keys);
}

/** Such as `lines[0].price`; of a long path both ends, because messages and logs hold it. */
export function formatPath(keys: readonly PropertyKey[]): string {
  if (keys.length <= shownAtStart + shownAtEnd) return joined(keys);
  const end = joined(keys.slice(-shownAtEnd));
  return `${joined(keys.slice(0, shownAtStart))}…${end.startsWith('[') ? '' : '.'}${end}`;
}

const shownAtStart = 12;
const shownAtEnd = 4;
const shownOfKey = 64;

function joined(keys: readonly PropertyKey[]): string {
  let path = '';
  for (const whole of keys) {
    const isLong = typeof whole === 'string' && whole.length > shownOfKey;
    const key = isLong ? `${whole.slice(0, shownOfKey)}…` : whole;
    if (typeof key === 'number') path += `[${key}]`;
    else if (typeof key === 'symbol') path += `[${String(key)}]`;
    else if (/^[\p{ID_Start}$_][\p{ID_Continue}$]*$/u.test(key)) path += path === '' ? key : `.${key}`;
    else path += `[${JSON.stringify(key)}]`;
  }
  return path;
}
