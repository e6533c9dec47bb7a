import { createWebSocketInspector } from '@statelyai/inspect';
import { createInspectorServer, type InspectorServerOptions } from '@statelyai/inspect/server';
import type { BrokerEventBus } from 'buschart';

/** Opens https://stately.ai/inspect, which gets what is sent to port 8080. Returns a function that ends it. */
export function showInStately(bus: BrokerEventBus, options: InspectorServerOptions = {}): () => void {
  const server = createInspectorServer(options);
  const inspector = createWebSocketInspector({ url: `ws://localhost:${options.port ?? 8080}` });
  const end = bus.inspect(inspector.inspect); // 20 deliveries a second; { eventsPerSecond, payloads } ask for more
  return () => {
    end();
    inspector.stop();
    server.stop();
  };
}
