import { describe, expect, it } from 'vitest';
import type { DomainEvent } from '../../../src/contracts/event.ts';
import { ConfigurationError, InMemoryEventBus } from '../../../src/index.ts';
import {
  AggregateRepository,
  InMemoryEventStore,
  type UnpublishedEventsError,
} from '../../../src/repository/index.ts';
import { LineAdded, Order, OrderCreated } from './orders.ts';

const caught = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => undefined,
    (error: unknown) => error,
  );

/** Lets everything go on that waits for nothing but its turn. */
const turn = (): Promise<void> => new Promise((resolve) => void setImmediate(resolve));

/** A publisher whose publishes end when the test says. */
function broker(durable: boolean) {
  const calls: { readonly versions: number[]; end(error?: Error): void }[] = [];
  const publish = (events: readonly DomainEvent[]): Promise<void> =>
    new Promise((resolve, reject) => {
      calls.push({
        versions: events.map(({ aggregateVersion }) => aggregateVersion),
        end: (error) => (error === undefined ? resolve() : reject(error)),
      });
    });
  return { calls, publish, capabilities: { durable } };
}

function onBroker(durable = true, maxUnpublished?: number) {
  const publisher = broker(durable);
  const options = { eventStore: new InMemoryEventStore(), aggregate: Order, eventPublisher: publisher };
  const repository = new AggregateRepository(
    maxUnpublished === undefined ? options : { ...options, maxUnpublished },
  );
  /** Begins to save one more event of an aggregate. */
  const saveMore = async (id = 'o-1') => {
    const order = await repository.loadOrCreate(id);
    order.add('tea', 1);
    const saved = caught(repository.save(order));
    await turn();
    return { order, saved };
  };
  return { ...publisher, repository, saveMore };
}

describe('publishing what a repository stored', () => {
  it('lets a handler of it save the same aggregate again', async () => {
    await using bus = new InMemoryEventBus();
    const repository = new AggregateRepository({
      eventStore: new InMemoryEventStore(),
      aggregate: Order,
      eventPublisher: bus,
    });
    const handled = new Set<string>();
    bus.subscribe(OrderCreated, async ({ aggregateId }) => {
      const order = await repository.load(aggregateId);
      order.add('gift', 0);
      await repository.save(order);
      handled.add('OrderCreated');
    });
    bus.subscribe(LineAdded, () => handled.add('LineAdded'));
    const order = repository.createNew('o-1');
    order.create('c-1');
    await repository.save(order);
    expect(handled).toEqual(new Set(['OrderCreated', 'LineAdded']));
  });

  it('republishes an error of another repository once, however often it is asked', async () => {
    const published: DomainEvent[] = [];
    const eventStore = new InMemoryEventStore();
    const broken = new AggregateRepository({
      eventStore,
      aggregate: Order,
      eventPublisher: { publish: () => Promise.reject(new Error('gone')) },
    });
    const order = broken.createNew('o-1');
    order.create('c-1');
    const error = (await caught(broken.save(order))) as UnpublishedEventsError;
    const repository = new AggregateRepository({
      eventStore,
      aggregate: Order,
      eventPublisher: { publish: (events) => Promise.resolve(void published.push(...events)) },
    });
    await repository.republish(error);
    await repository.republish(error);
    expect(published).toHaveLength(1);
  });

  it('publishes in the order of versions, although the store answers in another', async () => {
    const store = new InMemoryEventStore();
    let answer: () => void = () => undefined;
    const slow = new Promise<void>((resolve) => (answer = resolve));
    const published: number[] = [];
    const repository = new AggregateRepository({
      aggregate: Order,
      eventStore: {
        readStream: (stream, from) => store.readStream(stream, from),
        readAll: (from) => store.readAll(from),
        versionOf: (stream) => store.versionOf(stream),
        async append(stream, events, expectedVersion) {
          await store.append(stream, events, expectedVersion);
          if (expectedVersion === 0) await slow;
        },
      },
      eventPublisher: {
        publish: (events) => Promise.resolve(events.forEach((e) => void published.push(e.aggregateVersion))),
      },
    });
    const first = repository.createNew('o-1');
    first.create('c-1');
    const saved = repository.save(first);
    await turn();
    const second = await repository.load('o-1');
    second.add('tea', 1);
    const savedNext = repository.save(second);
    await turn();
    answer();
    await Promise.all([saved, savedNext]);
    expect(published).toEqual([1, 2]);
  });

  it('waits on a broker until it is known what became of an earlier save, and sends both where that failed', async () => {
    const { calls, saveMore } = onBroker();
    const first = await saveMore();
    const second = await saveMore();
    const third = await saveMore();
    expect(calls.map(({ versions }) => versions)).toEqual([[1]]);
    calls[0]?.end(new Error('gone'));
    expect(await first.saved).toMatchObject({ events: [{ aggregateVersion: 1 }] });
    await turn();
    expect(calls.map(({ versions }) => versions)).toEqual([[1], [1, 2, 3]]);
    calls[1]?.end();
    expect(await second.saved).toBeUndefined();
    expect(await third.saved).toBeUndefined();
  });

  it('sends what failed in memory before what comes next', async () => {
    const { calls, saveMore } = onBroker(false);
    const first = await saveMore();
    const second = await saveMore();
    expect(calls.map(({ versions }) => versions)).toEqual([[1], [2]]);
    calls[1]?.end(new Error('gone'));
    calls[0]?.end(new Error('gone'));
    await Promise.all([first.saved, second.saved]);
    await saveMore();
    expect(calls[2]?.versions).toEqual([1, 2, 3]);
  });

  it('sends again what failed when the same aggregate is saved again without a change', async () => {
    const { calls, repository, saveMore } = onBroker();
    const { order, saved } = await saveMore();
    calls[0]?.end(new Error('gone'));
    const error = (await saved) as UnpublishedEventsError;
    const again = repository.save(order);
    await turn();
    // Asked while it is on its way: not a second time.
    const republished = repository.republish(error);
    await turn();
    calls[1]?.end();
    await Promise.all([again, republished]);
    await repository.republish(error);
    await repository.save(order);
    expect(calls.map(({ versions }) => versions)).toEqual([[1], [1]]);
  });

  it('keeps no more of what failed than it may, and loses nothing', async () => {
    const { calls, repository, saveMore } = onBroker(true, 1);
    const errors: UnpublishedEventsError[] = [];
    for (const id of ['old', 'new']) {
      const { saved } = await saveMore(id);
      calls.at(-1)?.end(new Error('gone'));
      errors.push((await saved) as UnpublishedEventsError);
    }
    await saveMore('new');
    expect(calls.at(-1)?.versions).toEqual([1, 2]);
    await saveMore('old');
    expect(calls.at(-1)?.versions).toEqual([2]);
    calls.at(-1)?.end();
    const republished = repository.republish(errors[0]!);
    await turn();
    expect(calls.at(-1)?.versions).toEqual([1]);
    calls.at(-1)?.end();
    await republished;
  });

  it('refuses a limit that is none', () => {
    expect(() => onBroker(true, -1)).toThrow(ConfigurationError);
  });
});
