import { describe, expect, it } from 'vitest';
import { gate, memoryBus, ping, Pinged, settle } from '../../support/memory-bus.ts';
import { scriptedBus } from '../../support/scripted-broker.ts';
import { laneRig } from '../../support/lane-rig.ts';

const fail = (): never => {
  throw new Error('broken');
};

describe('a result that comes late', () => {
  it('of a handler that was unsubscribed while it ran is not retried', async () => {
    const running = gate();
    const { bus, broker, clock } = await scriptedBus(
      (made) => {
        made.subscribe(Pinged, fail, { name: 'stays', retry: { baseDelayMs: 10_000 } });
        made.subscribe(Pinged, () => running.promise.then(fail), { name: 'gone' });
      },
      { maxRetries: 1 },
    );
    broker.deliver(ping());
    await settle(clock);
    bus.clearSubscribers();
    await settle(clock);
    running.open();
    await settle(clock);
    expect(broker.asked.filter((asked) => !asked.startsWith('want'))).toEqual(['ack 1']);
    expect(bus.getStats()).toMatchObject({ retries: 0, deadLettered: 0, inFlight: 0 });
  });

  it('settles a delivery that is over no second time', () => {
    const rig = laneRig({ concurrency: 2 });
    rig.hold('a1', 'a2');
    rig.fail('a1');
    rig.end('a1', 'acked');
    rig.end('a1', 'acked');
    expect(rig.acked).toEqual(['a1']);
    expect(rig.flow).toMatchObject({ open: 1, counts: { acked: 1 } });
  });

  it('of a release changes nothing for what was lost meanwhile', async () => {
    const rig = laneRig({ concurrency: 1 });
    rig.hold('a1', 'a2');
    rig.flow.drain();
    rig.flow.abandonAll();
    await Promise.resolve();
    await Promise.resolve();
    rig.succeed('a1');
    expect(rig.flow.open).toBe(0);
    expect(rig.work.open).toBe(0);
  });
});

describe('a release that is not certain', () => {
  it('leaves its delivery to the lease, and counts as abandoned', async () => {
    const { bus, broker, clock } = await scriptedBus((made) =>
      made.subscribe(Pinged, fail, { retry: { baseDelayMs: 10_000 } }),
    );
    broker.ends.release = () => Promise.reject(new Error('not certain'));
    broker.deliver(ping());
    await settle(clock);
    await bus.stopConsuming();
    expect(bus.getStats()).toMatchObject({ released: 0, abandoned: 1, inFlight: 0 });
  });
});

describe('a drain that meets a delivery of which one handler runs and another waits', () => {
  it('has it given back once the one has ended, and runs the other no more', async () => {
    const running = gate();
    let runs = 0;
    const { bus, broker, clock } = await scriptedBus((made) => {
      made.subscribe(Pinged, () => (runs++, fail()), { name: 'waits', retry: { baseDelayMs: 10_000 } });
      made.subscribe(Pinged, () => running.promise, { name: 'runs' });
    });
    broker.deliver(ping());
    await settle(clock);
    const stopped = bus.stopConsuming();
    await settle(clock);
    expect(broker.asked).toEqual([]);
    running.open();
    await settle(clock);
    expect({ asked: broker.asked, runs }).toEqual({ asked: ['release 1'], runs: 1 });
    expect(await stopped).toMatchObject({ settled: 0, released: 1 });
  });
});

describe('a delivery that comes late', () => {
  it('to a paused consumer is not begun before it resumes', async () => {
    let handled = 0;
    const { bus, broker, clock } = await scriptedBus((made) => made.subscribe(Pinged, () => void handled++));
    bus.pause();
    broker.deliver(ping());
    await settle(clock);
    expect({ handled, inFlight: bus.getStats().inFlight }).toEqual({ handled: 0, inFlight: 0 });
    bus.resume();
    await settle(clock);
    expect({ handled, acked: broker.asked.filter((asked) => asked.startsWith('ack')) }).toEqual({
      handled: 1,
      acked: ['ack 1'],
    });
  });

  it('to a consumer that drains is given back', async () => {
    const running = gate();
    const { bus, broker, clock } = await scriptedBus((made) => made.subscribe(Pinged, () => running.promise));
    broker.deliver(ping(1));
    await settle(clock);
    broker.deliver(ping(2)); // pulled, and on its way when the drain begins
    const stopped = bus.stopConsuming();
    await settle(clock);
    expect(broker.asked).toEqual(['release 2']);
    running.open();
    await settle(clock);
    expect(await stopped).toMatchObject({ settled: 1, released: 1, aborted: 0 });
  });

  it('to a handler whose delivery is over is not handled', async () => {
    const { bus, clock } = memoryBus();
    let handled = 0;
    const subscription = bus.subscribe(Pinged, () => void handled++);
    const refused: number[] = [];
    const handler = subscription.actor.getSnapshot().children.handler!;
    handler.send({
      type: 'deliver',
      attempt: 1,
      dispatch: {
        isOver: true,
        event: {},
        handlerSucceeded: (_: string, attempt: number) => refused.push(attempt),
      },
    } as never);
    await settle(clock);
    expect({ handled, refused }).toEqual({ handled: 0, refused: [1] });
  });
});

describe('a handler that was unsubscribed while it runs', () => {
  it('is over once its attempt has ended, and is called for nothing meanwhile', async () => {
    const running = gate();
    let handled = 0;
    const { bus, clock } = memoryBus();
    const subscription = bus.subscribe(Pinged, () => {
      handled++;
      return running.promise;
    });
    void bus.publish(ping());
    await settle(clock);
    const handler = subscription.actor.getSnapshot().children.handler!;
    subscription.unsubscribe();
    expect(subscription.actor.getSnapshot().value).toBe('draining');
    handler.send({
      type: 'deliver',
      attempt: 1,
      dispatch: { isOver: false, event: {}, handlerSucceeded: () => undefined },
    } as never);
    expect(handled).toBe(1);
    running.open();
    await settle(clock);
    expect(subscription.actor.getSnapshot().status).toBe('done');
  });
});

describe('a dry run', () => {
  it('of replayAll replays nothing', async () => {
    const { bus } = memoryBus();
    let runs = 0;
    bus.subscribe(Pinged, () => {
      runs++;
      fail();
    });
    await bus.publish(ping());
    expect(await bus.deadLetters.replayAll({}, { dryRun: true })).toMatchObject({ matched: 1, replayed: 0 });
    await bus.idle();
    expect(runs).toBe(1);
  });
});

describe('a shutdown under way', () => {
  it('keeps to its first time limit when its machine is told to shut down once more', async () => {
    const { bus, clock } = memoryBus();
    bus.subscribe(Pinged, () => gate().promise);
    void bus.publish(ping());
    const stopped = bus.shutdown({ timeoutMs: 2000 });
    await clock.advance(1500);
    bus.actor.send({ type: 'shutdown', timeoutMs: 2000 });
    await clock.advance(500);
    expect(bus.state).toBe('stopped');
    expect(await stopped).toMatchObject({ aborted: 1, timedOut: true });
  });

  it('handles nothing that a handler publishes on the bus itself after it has ordered the shutdown', async () => {
    const { bus, clock } = memoryBus();
    const seen: number[] = [];
    bus.subscribe(Pinged, ({ n }) => {
      seen.push(n);
      if (n !== 0) return;
      void bus.shutdown();
      void bus.publish(ping(1)).catch(() => undefined);
    });
    await bus.publish(ping(0));
    await settle(clock);
    expect(seen).toEqual([0]);
    expect(bus.getStats().eventsPublished).toBe(1);
  });
});
