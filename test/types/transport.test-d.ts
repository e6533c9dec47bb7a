import { describe, expectTypeOf, it } from 'vitest';
import type { BrokerEventBus, BusOptions } from '../../src/index.ts';
import { TransportEventBus, type Connection, type Transport } from '../../src/transport.ts';

declare const transport: Transport;
declare const options: BusOptions;
declare function inFolder(folder: string): Transport;

describe('a bus over a transport', () => {
  it('is a broker’s bus with the options of every bus', () => {
    expectTypeOf(TransportEventBus).toBeConstructibleWith(transport);
    expectTypeOf(TransportEventBus).toBeConstructibleWith(transport, options);
    expectTypeOf<TransportEventBus>().toExtend<BrokerEventBus>();
  });

  it('takes no options that it doesn’t know', () => {
    const use = (): void => {
      // @ts-expect-error a broker's own option belongs to its transport
      new TransportEventBus(transport, { folder: '/tmp' });
    };
    expectTypeOf(use).returns.toBeVoid();
  });

  it('may be extended by a class that takes the transport’s options too', () => {
    class FileEventBus extends TransportEventBus {
      constructor({ folder, ...options }: BusOptions & { readonly folder: string }) {
        super(inFolder(folder), options);
      }
    }
    expectTypeOf<FileEventBus>().toExtend<BrokerEventBus>();
  });
});

describe('a transport', () => {
  it('must open connections, and say what it can do', () => {
    expectTypeOf<ReturnType<Transport['connect']>>().toEqualTypeOf<Promise<Connection>>();
    // @ts-expect-error capabilities are missing
    const incomplete: Transport = { name: 'x', destination: 'x', connect: () => Promise.reject(new Error()) };
    expectTypeOf(incomplete).toEqualTypeOf<Transport>();
  });
});
