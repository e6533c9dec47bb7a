import { expect } from 'vitest';
import type { BusOptions } from '../../bus/options.ts';
import { ConfigurationError } from '../../errors.ts';
import { counted } from '../counted.ts';
import type { RemoteConsumer, TransportHarness } from '../harness.ts';
import { scenario, type Scenario, type Scenarios } from './scenario.ts';

/** What is declared works; what isn't is refused or absent. */
export const abilityScenarios: Scenarios = {
  theme: 'Abilities',
  scenarios: (harness) => [
    scenario('are the capabilities that the bus tells of', async (stage) => {
      const { consumesByItself: _, ...declared } = harness.abilities;
      expect(stage.bus().capabilities).toEqual(declared);
    }),
    deliveryCounts(harness),
    otherProcesses(harness),
    allGroups(harness),
    durability(harness),
    ownGroup(harness),
    scenario('refuse an option that there is none of, by name', async (stage) => {
      const wrong = { noSuchOption: 1, concurrency: 0 } as unknown as BusOptions;
      expect(() => stage.bus(wrong)).toThrow(ConfigurationError);
      expect(() => stage.bus(wrong)).toThrow(/noSuchOption.*|concurrency/);
    }),
  ],
};

function deliveryCounts({ abilities }: TransportHarness): Scenario {
  if (!abilities.deliveryCount)
    return scenario('without delivery counts: handlers see none, and a limit is refused', async (stage) => {
      expect(() => stage.bus({ maxDeliveries: 5 })).toThrow(ConfigurationError);
      await stage.publish(await stage.consumer(), counted(1));
      await stage.handled(1);
      expect(stage.recorder.attempts[0]?.deliveryCount).toBeUndefined();
    });
  return scenario(
    'with delivery counts: 1 on the first delivery; what came too often isn’t handled',
    async (stage) => {
      const { group } = stage.destination;
      const options = { maxDeliveries: 2 };
      const abandoned = { deadLetters: { [group]: 1 }, redeliveries: 2 };
      await stage.foundGroup(options);
      await stage.publish(stage.bus(), counted(1));
      for (let round = 1; round <= 2; round++) {
        const slow = await stage.consumer({
          options: { ...options, consumerName: 'same', abortGraceMs: 0 },
          handle: (_event, { signal }) => stage.work(120_000, signal),
        });
        await stage.until(() => stage.recorder.running === 1, `delivery ${round}`);
        // Aborted, not released: the delivery counts.
        await stage.settles(slow.shutdown({ timeoutMs: 50 }), 'the shutdown');
      }
      expect(stage.recorder.attempts.map(({ deliveryCount }) => deliveryCount)).toEqual([1, 2]);
      const last = await stage.consumer({ options: { ...options, consumerName: 'same' } });
      await stage.until(async () => (await last.deadLetters.count()) === 1, 'the dead letter');
      expect(await last.getDlqMessages()).toMatchObject([{ reason: 'too-many-deliveries' }]);
      return abandoned;
    },
  );
}

function otherProcesses({ abilities, consumeElsewhere }: TransportHarness): Scenario {
  if (!abilities.crossProcess)
    return scenario('without other processes: the harness has none to offer', async () => {
      expect(consumeElsewhere).toBeUndefined();
    });
  return scenario(
    'with other processes: two of them and two buses here share one group',
    async (stage, size) => {
      const { harness, destination, recorder } = stage;
      const remotes: RemoteConsumer[] = [];
      for (const name of ['x', 'y']) {
        const remote = await harness.consumeElsewhere?.(destination, destination.group, name);
        if (remote === undefined)
          throw new Error('The harness declares crossProcess, and offers no process.');
        remotes.push(remote);
      }
      await stage.consumer({ handle: () => stage.work(5) });
      await stage.consumer({ handle: () => stage.work(5) });
      const publisher = stage.bus();
      const events = counted(400 * size);
      stage.expectPublished(events);
      await stage.settles(publisher.publish(events), 'the publish to settle');
      const handled = () => [...recorder.handled(), ...remotes.flatMap(({ handled }) => handled)];
      await stage.until(() => handled().length >= events.length, 'all to be handled');
      await stage.settles(Promise.all(remotes.map((remote) => remote.stop())), 'the processes to end');
      expect(handled().toSorted()).toEqual(events.map(({ eventId }) => eventId).toSorted());
      const shares = remotes.map((remote) => remote.handled.length);
      expect(Math.min(...shares, recorder.handled().size), `shares ${shares.join(', ')}`).toBeGreaterThan(0);
    },
  );
}

function allGroups({ abilities }: TransportHarness): Scenario {
  return scenario(
    abilities.allGroups
      ? 'with all groups at once: dead letters are counted for one and for all'
      : 'without all groups at once: asking for them is refused',
    async (stage) => {
      const buses = [];
      for (const group of ['a', 'b'])
        buses.push(
          await stage.consumer({
            group,
            options: { retry: { maxRetries: 0 } },
            handle: () => {
              throw new Error('broken');
            },
          }),
        );
      await stage.publish(stage.bus(), counted(3));
      for (const bus of buses)
        await stage.until(async () => (await bus.deadLetters.count()) === 3, 'the dead letters');
      const all = buses[0]?.deadLetters.count({ group: '*' });
      if (abilities.allGroups) expect(await all).toBe(6);
      else await expect(all).rejects.toThrow(ConfigurationError);
      return { deadLetters: { a: 3, b: 3 } };
    },
  );
}

function durability({ abilities }: TransportHarness): Scenario {
  return scenario(
    abilities.durable
      ? 'with durability: what was published outlives the bus that did'
      : 'without durability: a bus says so, and keeps what it has as long as its broker lives',
    async (stage) => {
      await stage.foundGroup();
      const publisher = stage.bus();
      await stage.publish(publisher, counted(10));
      await stage.settles(publisher.shutdown(), 'the publisher to stop');
      await stage.consumer();
      await stage.handled(10);
    },
  );
}

function ownGroup({ abilities }: TransportHarness): Scenario {
  return scenario(
    abilities.consumesByItself
      ? 'with consuming by itself: a second start is refused'
      : 'without consuming by itself: a start without a group is refused',
    async (stage) => {
      const bus = abilities.consumesByItself ? await stage.consumer() : stage.bus();
      await expect(stage.settles(bus.startConsumingInBackground(), 'the refusal')).rejects.toThrow(
        ConfigurationError,
      );
    },
  );
}
