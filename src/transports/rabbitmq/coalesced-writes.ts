import type { Writable } from 'node:stream';

/**
 * Has a socket send in one system call what is written to it within one turn. The driver writes each frame by itself:
 * with a hundred messages at once, or a hundred acknowledgements, the calls cost more than all else that it does.
 */
export function coalesceWrites(socket: Pick<Writable, 'write' | 'cork' | 'uncork'>): void {
  const write = socket.write.bind(socket) as (...args: unknown[]) => boolean;
  let isCorked = false;
  const uncork = (): void => {
    isCorked = false;
    socket.uncork();
  };
  socket.write = (...args: unknown[]): boolean => {
    if (!isCorked) {
      isCorked = true;
      socket.cork();
      process.nextTick(uncork);
    }
    return write(...args);
  };
}
