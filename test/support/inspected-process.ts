// Run as a process of its own: it must end without process.exit, though one of its inspectors is never closed.
import { connect } from 'node:net';
import { InMemoryEventBus } from '../../src/index.ts';
import { startInspector } from '../../src/inspector/index.ts';
import { activeResources, leftovers } from '../../src/testing/leftovers.ts';

const bus = new InMemoryEventBus();

async function withPage(): Promise<Awaited<ReturnType<typeof startInspector>>> {
  const inspector = await startInspector(bus);
  const { port, host, hash } = new URL(inspector.url);
  const page = connect(Number(port), '127.0.0.1');
  page.on('error', () => undefined);
  page.write(
    `GET /api/stream HTTP/1.1\r\nHost: ${host}\r\nAuthorization: Bearer ${hash.replace('#token=', '')}\r\n\r\n`,
  );
  await new Promise((resolve) => page.once('data', resolve));
  page.unref();
  return inspector;
}

const before = activeResources();
const first = await withPage();
await first.close();
const left = await leftovers(before);
console.log(`closed: ${left.length === 0 ? 'nothing left' : left.join()}`);
await withPage();
await bus.shutdown();
console.log('open: left to itself');
