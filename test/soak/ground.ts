import type { KafkaProgram } from '../../brokers/kafka-server.ts';
import { startKafkaServer } from '../../brokers/kafka-server.ts';
import type { PrivateServer } from '../../brokers/private-server.ts';
import { startRabbitServer } from '../../brokers/rabbitmq-server.ts';
import { startProxy } from '../../src/testing/proxy.ts';
import { FaultRun } from '../fault/fault-run.ts';
import { kafkaPlaceAt } from '../fault/places/kafka.ts';
import { memoryPlace } from '../fault/places/memory.ts';
import type { FaultPlace } from '../fault/places/place.ts';
import { rabbitPlaceAt } from '../fault/places/rabbitmq.ts';
import { redisPlaceAt, startRedisPlaceServer } from '../fault/places/redis.ts';
import type { PlaceName } from '../support/bus-places.ts';

/** Where walks take place, one after another: a broker that outlives them, and a destination for each. */
export interface Ground {
  readonly name: PlaceName;
  /** There are other processes, and a wire to them that breaks in more than one way; the broker can be frozen or full. */
  readonly isRemote: boolean;
  open(destination: string): Promise<FaultRun>;
  stop(): Promise<void>;
}

/** Programs of the brokers, as far as they are installed. */
export interface Programs {
  readonly redis: string | undefined;
  readonly rabbitmq: string | undefined;
  readonly kafka: KafkaProgram | undefined;
}

/** Resolves once the broker runs; with undefined where its program is missing. */
export async function startGround(name: PlaceName, programs: Programs): Promise<Ground | undefined> {
  const { redis, rabbitmq, kafka } = programs;
  if (name === 'redis' && redis !== undefined)
    return remoteGround(name, await startRedisPlaceServer(redis), redisPlaceAt);
  if (name === 'rabbitmq' && rabbitmq !== undefined)
    return remoteGround(name, await startRabbitServer(rabbitmq), rabbitPlaceAt);
  if (name === 'kafka' && kafka !== undefined)
    return remoteGround(name, await startKafkaServer(kafka), kafkaPlaceAt);
  return name === 'memory' ? memoryGround() : undefined;
}

export function memoryGround(open: typeof memoryPlace = memoryPlace): Ground {
  return {
    name: 'memory',
    isRemote: false,
    open(destination) {
      const { place, proxy } = open(destination);
      return Promise.resolve(new FaultRun(place, proxy));
    },
    stop: () => Promise.resolve(),
  };
}

function remoteGround<Server extends PrivateServer>(
  name: PlaceName,
  server: Server,
  placeAt: (server: Server, destination: string) => FaultPlace,
): Ground {
  return {
    name,
    isRemote: true,
    open: async (destination) =>
      new FaultRun(placeAt(server, destination), await startProxy({ host: '127.0.0.1', port: server.port })),
    stop: () => server.stop(),
  };
}
