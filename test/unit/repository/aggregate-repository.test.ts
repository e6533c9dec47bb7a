import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { DomainEvent } from '../../../src/contracts/event.ts';
import { PublishError } from '../../../src/errors.ts';
import {
  AggregateNotFoundError,
  AggregateRepository,
  EventStreamError,
  InMemoryEventStore,
  OptimisticLockError,
  UnpublishedEventsError,
  type EventStore,
} from '../../../src/repository/index.ts';
import { InMemoryEventBus } from '../../../src/index.ts';
import { runSeed } from '../../support/seed.ts';
import { LineAdded, Order, OrderCreated } from './orders.ts';

/** Takes what it is given, as far as `refuse` lets it. */
class Publisher {
  readonly published: DomainEvent[] = [];
  refuse: ((events: readonly DomainEvent[]) => Error | undefined) | undefined;

  async publish(events: readonly DomainEvent[]): Promise<void> {
    const error = this.refuse?.(events);
    if (error === undefined) this.published.push(...events);
    else throw error;
  }
}

function scene(eventStore: EventStore = new InMemoryEventStore()) {
  const publisher = new Publisher();
  const repository = new AggregateRepository({ eventStore, aggregate: Order, eventPublisher: publisher });
  return { eventStore, publisher, repository };
}

const skusOf = (events: readonly DomainEvent[]): string[] =>
  events.flatMap((event) => (LineAdded.is(event) ? [event.sku] : []));

describe('a repository', () => {
  it('stores what an aggregate raised, publishes it in order, and loads it again', async () => {
    const { repository, publisher } = scene();
    const order = repository.createNew('o-1');
    order.create('c-1');
    order.add('tea', 250);
    await repository.save(order);
    expect(publisher.published.map(({ eventType }) => eventType)).toEqual(['OrderCreated', 'LineAdded']);
    expect(order.uncommittedEvents).toEqual([]);

    const loaded = await repository.load('o-1');
    expect(loaded.state).toEqual({ customerId: 'c-1', skus: ['tea'], cents: 250 });
    loaded.add('milk', 90);
    await repository.save(loaded);
    expect(await repository.getVersion('o-1')).toBe(3);
    expect(await repository.exists('o-1')).toBe(true);
  });

  it('publishes to a bus whose handlers are done when save is', async () => {
    await using bus = new InMemoryEventBus();
    const customers: string[] = [];
    bus.subscribe(OrderCreated, ({ customerId }) => customers.push(customerId));
    const repository = new AggregateRepository({
      eventStore: new InMemoryEventStore(),
      aggregate: Order,
      eventPublisher: bus,
    });
    const order = repository.createNew('o-1');
    order.create('c-1');
    await repository.save(order);
    expect(customers).toEqual(['c-1']);
  });

  it('does nothing for an aggregate that raised nothing', async () => {
    const { repository, publisher } = scene();
    await repository.save(repository.createNew('o-1'));
    expect(await repository.exists('o-1')).toBe(false);
    expect(publisher.published).toEqual([]);
  });

  it('tells what is not there from what is', async () => {
    const { repository } = scene();
    await expect(repository.load('o-1')).rejects.toBeInstanceOf(AggregateNotFoundError);
    await expect(repository.load('o-1')).rejects.toThrow('There is no Order "o-1"');
    expect((await repository.loadOrCreate('o-1')).version).toBe(0);
    expect(await repository.getVersion('o-1')).toBe(0);
  });

  it('lets one of two who loaded the same win, and stores nothing of the other', async () => {
    const { repository, publisher } = scene();
    const first = repository.createNew('o-1');
    const second = repository.createNew('o-1');
    first.create('c-1');
    second.create('c-2');
    second.add('tea', 1);
    await repository.save(first);
    const lost = repository.save(second);
    await expect(lost).rejects.toBeInstanceOf(OptimisticLockError);
    await expect(lost).rejects.toMatchObject({ expected: 0, actual: 1, retryable: true });
    expect(publisher.published).toHaveLength(1);
    expect(await repository.getVersion('o-1')).toBe(1);
    expect(second.uncommittedEvents).toHaveLength(2);
  });

  it('refuses a stream with a gap', async () => {
    const { repository } = scene({
      append: () => Promise.resolve(),
      async *readStream() {
        yield OrderCreated({ aggregateId: 'o-1', customerId: 'c-1' });
        yield LineAdded({ aggregateId: 'o-1', aggregateVersion: 3, sku: 'tea', cents: 1 });
      },
      async *readAll() {},
      versionOf: () => Promise.resolve(2),
    });
    await expect(repository.load('o-1')).rejects.toBeInstanceOf(EventStreamError);
    await expect(repository.load('o-1')).rejects.toThrow('version 3, where 2 comes next');
  });

  it('stores once what is saved twice at once, and then what was raised meanwhile', async () => {
    const { repository, publisher } = scene();
    const order = repository.createNew('o-1');
    order.create('c-1');
    const saves = [repository.save(order), repository.save(order)];
    order.add('tea', 1);
    await Promise.all(saves);
    await repository.save(order);
    expect(publisher.published.map(({ aggregateVersion }) => aggregateVersion)).toEqual([1, 2]);
    expect(await repository.getVersion('o-1')).toBe(2);
  });

  it('works without a publisher', async () => {
    const repository = new AggregateRepository({ eventStore: new InMemoryEventStore(), aggregate: Order });
    const order = repository.createNew('o-1');
    order.create('c-1');
    await repository.save(order);
    expect(await repository.getVersion('o-1')).toBe(1);
  });
});

describe('when publishing fails after storing', () => {
  async function failed() {
    const all = scene();
    const { repository, publisher } = all;
    const order = repository.createNew('o-1');
    order.create('c-1');
    order.add('tea', 1);
    publisher.refuse = () => new Error('The broker is gone.');
    const error = await repository.save(order).then(
      () => undefined,
      (cause: unknown) => cause,
    );
    publisher.refuse = undefined;
    return { ...all, order, error: error as UnpublishedEventsError };
  }

  it('says that the events are stored, which, and why they are not published', async () => {
    const { repository, error, order } = await failed();
    expect(error).toBeInstanceOf(UnpublishedEventsError);
    expect(error.message).toContain('2 event(s) of Order "o-1" are stored, but not published');
    expect(error.events.map(({ eventType }) => eventType)).toEqual(['OrderCreated', 'LineAdded']);
    expect(error.cause).toMatchObject({ message: 'The broker is gone.' });
    expect(await repository.getVersion('o-1')).toBe(2);
    expect(order.uncommittedEvents).toEqual([]);
  });

  it('republishes them once, however often it is asked', async () => {
    const { repository, publisher, error } = await failed();
    await repository.republish(error);
    await repository.republish(error);
    expect(publisher.published).toEqual(error.events);
  });

  it('publishes them before what the next save stores', async () => {
    const { repository, publisher, error, order } = await failed();
    order.add('milk', 1);
    await repository.save(order);
    await repository.republish(error);
    expect(publisher.published.map(({ aggregateVersion }) => aggregateVersion)).toEqual([1, 2, 3]);
  });

  it('names all that is left when the next save fails, too', async () => {
    const { repository, publisher, order } = await failed();
    publisher.refuse = () => new Error('Still gone.');
    order.add('milk', 1);
    await expect(repository.save(order)).rejects.toMatchObject({
      events: [{ aggregateVersion: 1 }, { aggregateVersion: 2 }, { aggregateVersion: 3 }],
    });
  });

  it('repeats none that the broker has confirmed', async () => {
    const { repository, publisher } = scene();
    const order = repository.createNew('o-1');
    for (const sku of ['a', 'b', 'c']) order.add(sku, 1);
    publisher.refuse = (events) => {
      const [stored, unknown, unsent] = events.map(({ eventId }) => [eventId]);
      publisher.published.push(events[0]!);
      return new PublishError('In part.', { stored: stored!, unknown: unknown!, unsent: unsent! });
    };
    const error = await repository.save(order).catch((cause: unknown) => cause);
    publisher.refuse = undefined;
    expect(skusOf((error as UnpublishedEventsError).events)).toEqual(['b', 'c']);
    await repository.republish(error as UnpublishedEventsError);
    expect(skusOf(publisher.published)).toEqual(['a', 'b', 'c']);
  });

  it('takes an error from another repository, such as one of a bus that is gone', async () => {
    const { eventStore, error } = await failed();
    const { repository, publisher } = scene(eventStore);
    await repository.republish(error);
    expect(publisher.published).toEqual(error.events);
  });

  it('holds up no other aggregate', async () => {
    const { repository, publisher } = await failed();
    const other = repository.createNew('o-2');
    other.create('c-2');
    await repository.save(other);
    expect(publisher.published.map(({ aggregateId }) => aggregateId)).toEqual(['o-2']);
  });
});

it('publishes each stored event once and in order, whatever fails between', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(
        fc.record({ aggregate: fc.nat(2), lines: fc.nat(3), fails: fc.boolean(), republish: fc.boolean() }),
      ),
      async (steps) => {
        const { repository, publisher, eventStore } = scene();
        const errors: UnpublishedEventsError[] = [];
        for (const { aggregate, lines, fails, republish } of steps) {
          publisher.refuse = fails ? () => new Error('Refused.') : undefined;
          const order = await repository.loadOrCreate(`o-${aggregate}`);
          for (let line = 0; line < lines; line++) order.add(`${line}`, 1);
          await repository
            .save(order)
            .catch((error: unknown) => errors.push(error as UnpublishedEventsError));
          publisher.refuse = undefined;
          if (republish) for (const error of errors) await repository.republish(error);
        }
        for (const error of errors) await repository.republish(error);
        for (const aggregate of [0, 1, 2]) {
          const stored: DomainEvent[] = [];
          const stream = { aggregateType: 'Order', aggregateId: `o-${aggregate}` };
          for await (const event of eventStore.readStream(stream)) stored.push(event);
          const published = publisher.published.filter(({ aggregateId }) => aggregateId === `o-${aggregate}`);
          expect(published).toEqual(stored);
        }
      },
    ),
    { seed: runSeed() },
  );
});
