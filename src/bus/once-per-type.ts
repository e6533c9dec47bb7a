const MOST_TYPES = 1000;

/** Tells once for each type, as long as there aren't so many that remembering them would itself be a leak. */
export function oncePerType(tell: (type: string) => void): (type: string) => void {
  const told = new Set<string>();
  return (type) => {
    if (told.has(type) || told.size >= MOST_TYPES) return;
    told.add(type);
    tell(type);
  };
}
