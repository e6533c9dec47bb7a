import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { pipeline, Transform } from 'node:stream';

/** How what clients of one broker send is told apart. */
export interface ClientRequests {
  /** Of the request at the head of these bytes; undefined where more of them are needed to tell. */
  lengthOf(bytes: Buffer): number | undefined;
  /** Whether the request tells the broker that messages of the group are settled. */
  isAcknowledgement(request: Buffer): boolean;
  /** Whether it takes a dead letter away that was replayed. */
  removesLetter(request: Buffer): boolean;
}

export const rabbitRequests: ClientRequests = {
  lengthOf(bytes) {
    if (bytes.length < 8) return undefined;
    // A connection begins with eight bytes that are no frame.
    return bytes.subarray(0, 4).toString() === 'AMQP' ? 8 : 7 + bytes.readUInt32BE(3) + 1;
  },
  isAcknowledgement: isBasicAck,
  removesLetter: isBasicAck,
};

/** 13 bytes of payload, of class 60, method 80. */
function isBasicAck(request: Buffer): boolean {
  return request.subarray(3, 11).toString('hex') === '0000000d003c0050';
}

const PRODUCE = 0;
const OFFSET_COMMIT = 8;

export const kafkaRequests: ClientRequests = {
  lengthOf: (bytes) => (bytes.length < 4 ? undefined : 4 + bytes.readInt32BE(0)),
  isAcknowledgement: (request) => request.length > 5 && request.readInt16BE(4) === OFFSET_COMMIT,
  // A marker in the topic of dead letters.
  removesLetter: (request) =>
    request.length > 5 && request.readInt16BE(4) === PRODUCE && request.includes('.dlq'),
};

/**
 * A way to a broker on which, once it is armed, no request of some kind arrives, an acknowledgement say: the first one is
 * swallowed, and all that its connection sends after it. Whoever is killed then had stored everything and acknowledged nothing.
 */
export interface CrashPoint {
  readonly host: string;
  readonly port: number;
  arm(): void;
  readonly wasReached: boolean;
  /** Resets what is open; resolves once the port is free. */
  close(): Promise<void>;
}

/** Listens on a free port of 127.0.0.1; resolves once it listens. */
export async function startCrashPoint(
  target: { readonly host: string; readonly port: number },
  lengthOf: ClientRequests['lengthOf'],
  isMeant: (request: Buffer) => boolean,
): Promise<CrashPoint> {
  const sockets = new Set<Socket>();
  let isArmed = false;
  let wasReached = false;

  const untilReached = () => {
    let rest = Buffer.alloc(0);
    let isSwallowing = false;
    return new Transform({
      transform(chunk: Buffer, _encoding, done) {
        rest = Buffer.concat([rest, chunk]);
        const passed: Buffer[] = [];
        for (let length = lengthOf(rest); length !== undefined && length <= rest.length;) {
          const request = rest.subarray(0, length);
          if (isArmed && isMeant(request)) isSwallowing = wasReached = true;
          if (!isSwallowing) passed.push(request);
          rest = rest.subarray(length);
          length = lengthOf(rest);
        }
        done(null, Buffer.concat(passed));
      },
    });
  };

  const listener = createServer((client) => {
    const server = connect(target);
    for (const socket of [client, server]) {
      sockets.add(socket);
      socket.setNoDelay(true);
      socket.on('close', () => sockets.delete(socket));
    }
    // One side's end, by whatever error, is the other's.
    pipeline(client, untilReached(), server, client, () => undefined);
  });
  listener.listen(0, '127.0.0.1');
  await once(listener, 'listening');
  const { address, port } = listener.address() as AddressInfo;

  return {
    host: address,
    port,
    arm() {
      isArmed = true;
    },
    get wasReached() {
      return wasReached;
    },
    close() {
      const closed = new Promise<void>((resolve) => listener.close(() => resolve()));
      for (const socket of sockets) socket.resetAndDestroy();
      return closed;
    },
  };
}
