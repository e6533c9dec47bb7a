import { SingleBar } from 'cli-progress';

const redrawMs = 200;

/**
 * Shows a bar with a rate on a terminal, and nothing where the output goes elsewhere.
 * @param handled Events handled so far.
 * @returns A function that ends it.
 */
export function showProgress(
  events: number,
  handled: () => number,
  stream: NodeJS.WriteStream = process.stderr,
): () => void {
  if (!stream.isTTY) return () => undefined;
  const startedAt = performance.now();
  const format = '{bar} {percentage}% | {value} of {total} events | {rate} events/s';
  const bar = new SingleBar({ stream, format, hideCursor: true });
  const draw = (): void => {
    const seconds = (performance.now() - startedAt) / 1000;
    bar.update(handled(), { rate: Math.round(handled() / seconds) });
  };
  bar.start(events, 0, { rate: 0 });
  const timer = setInterval(draw, redrawMs);
  return () => {
    clearInterval(timer);
    draw();
    bar.stop();
  };
}
