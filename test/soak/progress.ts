import type { SoakTotals } from './soak.ts';

const REDRAW_MS = 200;
/** Where nobody looks at a terminal, a line now and then says that it goes on. */
const LINE_MS = 30_000;

/** Shows how far it is, in one line that changes or in one after another. Returns what ends it. */
export function showProgress(
  totals: () => SoakTotals | undefined,
  stream: NodeJS.WriteStream = process.stderr,
): () => void {
  const startedAt = performance.now();
  const line = (): string => {
    const seconds = Math.floor((performance.now() - startedAt) / 1000);
    const time = `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, '0')}`;
    const so = totals();
    if (so === undefined) return `${time}  starting`;
    return `${time}  ${so.transport}: walk ${so.walks}, ${so.commands} commands, ${so.events} events  ${so.now}`;
  };
  const erase = '\r\u001b[K';
  const draw = (): void => {
    if (stream.isTTY) stream.write(`${erase}${line().slice(0, (stream.columns || 80) - 1)}`);
    else stream.write(`${line()}\n`);
  };
  const timer = setInterval(draw, stream.isTTY ? REDRAW_MS : LINE_MS);
  return () => {
    clearInterval(timer);
    if (stream.isTTY) stream.write(erase);
  };
}
