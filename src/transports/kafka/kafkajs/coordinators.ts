import { protocolType } from './errors.ts';

/** Kafka's number of the kind of coordinator that groups have. */
const OF_GROUPS = 0;

interface Asked {
  findGroupCoordinator(request: {
    readonly groupId: string;
    readonly coordinatorType: number;
  }): Promise<unknown>;
}

/** What is used of kafkajs' inner client here. */
interface Finder<Broker extends Asked> {
  readonly brokerPool: { findConnectedBroker(): Promise<Broker> };
  findGroupCoordinator(group: { groupId: string }): Promise<Broker>;
}

/**
 * kafkajs asks one broker after the other who coordinates a group, and in the end says that none has told, and not why. Here
 * one is asked for that: a group that this user has no right to is not one whose coordinator is only starting.
 */
export function tellWhyNot<Broker extends Asked>(cluster: Finder<Broker>): void {
  const find = cluster.findGroupCoordinator.bind(cluster);
  cluster.findGroupCoordinator = async (group) => {
    try {
      return await find(group);
    } catch (error) {
      if (protocolType(error) !== undefined) throw error;
      const broker = await cluster.brokerPool.findConnectedBroker();
      await broker.findGroupCoordinator({ ...group, coordinatorType: OF_GROUPS });
      throw error;
    }
  };
}
