/**
 * What is done behind an offset that isn't: written into the metadata of a commit, so that whoever has the partition next
 * doesn't do it again. A bitmap, its first bit the committed offset itself.
 */
const MARK = 'buschart1:';
/** Kafka takes 4096 bytes of metadata unless told otherwise (`offset.metadata.max.bytes`). */
export const MOST_BEHIND = 16_000;

export function encodeFinished(committed: number, finished: readonly number[]): string {
  let bytes: Buffer | undefined;
  const last = Math.min(
    MOST_BEHIND - 1,
    finished.reduce((most, offset) => Math.max(most, offset - committed), -1),
  );
  for (const offset of finished) {
    const bit = offset - committed;
    if (bit < 0 || bit > last) continue;
    bytes ??= Buffer.alloc((last >> 3) + 1);
    bytes[bit >> 3]! |= 1 << (bit & 7);
  }
  return bytes === undefined ? '' : MARK + bytes.toString('base64');
}

/** Empty for the metadata of anybody else. */
export function decodeFinished(committed: number, metadata: string): number[] {
  if (!metadata.startsWith(MARK)) return [];
  const bytes = Buffer.from(metadata.slice(MARK.length), 'base64');
  const finished: number[] = [];
  for (let bit = 0; bit < bytes.length * 8; bit++)
    if ((bytes[bit >> 3]! & (1 << (bit & 7))) !== 0) finished.push(committed + bit);
  return finished;
}
