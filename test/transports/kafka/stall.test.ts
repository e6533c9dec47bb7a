import { afterEach, beforeEach, describe, expect, inject, it } from 'vitest';
import { consumerOf } from '../../../src/bus/states.ts';
import { VirtualClock } from '../../../src/testing/clock.ts';
import { notedWarnings } from '../../support/noted-warnings.ts';
import { eventually, placed, Rig } from './rig.ts';

const servers = inject('kafkaServers');
const BACKLOG = 40;

describe.skipIf(servers === undefined)('a member of a group of Kafka to which nothing comes', () => {
  let rig: Rig;
  beforeEach(() => (rig = new Rig(servers!)));
  afterEach(() => rig.close());

  it('is not taken for stalled because another member lags behind', async () => {
    const options = {
      consumerGroup: `lagging-${rig.prefix}`,
      createTopics: { partitions: 2, replicationFactor: 1 },
    };
    const clock = new VirtualClock();
    const { logger, warnings } = notedWarnings();
    const handled: number[] = [];
    const starting = rig.consumer(handled, { ...options, clock, logger });
    // A coordinator that isn't there yet is asked again by that clock.
    const pumped = setInterval(() => void clock.advance(100), 100);
    const idle = await starting.finally(() => clearInterval(pumped));
    warnings.length = 0;
    const others: number[] = [];
    let end: () => void = () => undefined;
    let ending: Promise<void> | undefined = undefined;
    await rig.consumer(others, { ...options, concurrency: 1 }, () => ending);
    const publisher = rig.bus(options);
    // The group is dealt out once each has handled something.
    await eventually(
      async () => {
        await publisher.publish(placed(10, 10));
        return [handled.length, others.length];
      },
      ([own = 0, other = 0]) => own > 0 && other > 0,
    );
    ending = new Promise((resolve) => (end = resolve));
    await publisher.publish(placed(BACKLOG, BACKLOG));
    const isOthers = (info: { readonly lag: number; readonly unsettledHere: number }) =>
      info.unsettledHere === 0 && info.lag > 1 && info.lag < BACKLOG;
    await eventually(() => idle.getTopicInfo(), isOthers);
    for (let halfMinute = 0; halfMinute < 4; halfMinute++) {
      await clock.advance(30_000);
      // Its broker is asked what it lags behind, and answers.
      await eventually(
        () => consumerOf(idle.actor.getSnapshot())?.value.progress,
        (progress) => progress === 'watching',
      );
    }
    expect(warnings).toEqual([]);
    expect(await idle.healthCheck()).toMatchObject({ status: 'healthy' });
    expect(isOthers(await idle.getTopicInfo())).toBe(true);
    end();
  });
});
