import { describe, expect, it } from 'vitest';
import type { Message } from '../../src/contracts/message.ts';
import type { PublishFailure } from '../../src/errors.ts';
import type { OutgoingRecord } from '../../src/transports/kafka/driver.ts';
import { RecordPublisher } from '../../src/transports/kafka/publisher.ts';

const message = (id: string, body = '{}'): Message => ({
  id,
  type: 'T',
  key: 'k',
  attributes: {},
  headers: {},
  body,
});
const upTo = (count: number): number[] => Array.from({ length: count }, (_, n) => n);
const messages = (...ids: string[]): Message[] => ids.map((id) => message(id));

/** A broker whose answers the test gives, request by request. */
function rig(isRefusal = false) {
  const requests: { readonly ids: string[]; store(): void; fail(error: Error): void }[] = [];
  const publisher = new RecordPublisher({
    lingerMs: 0,
    send: (records: readonly OutgoingRecord[]) =>
      new Promise((resolve, reject) => {
        requests.push({
          ids: records.map(({ headers }) => headers['event_id']!),
          store: resolve,
          fail: reject,
        });
      }),
    isRefusal: () => isRefusal,
  });
  return { publisher, requests };
}

const turn = () => new Promise((resolve) => setImmediate(resolve));

async function outcome(publish: Promise<void>) {
  const { stored, unknown, unsent, retryable } = await publish.then(
    () => {
      throw new Error('It was published.');
    },
    (error: unknown) => error as PublishFailure,
  );
  return { stored, unknown, unsent, retryable };
}

describe('what is published to Kafka', () => {
  it('goes in one request after the other, which what is asked for meanwhile shares', async () => {
    const { publisher, requests } = rig();
    const all = [messages('a'), messages('b', 'c'), messages('d')].map((list) => publisher.publish(list));
    await turn();
    expect(requests.map(({ ids }) => ids)).toEqual([['a']]);
    requests[0]!.store();
    await turn();
    expect(requests.map(({ ids }) => ids)).toEqual([['a'], ['b', 'c', 'd']]);
    requests[1]!.store();
    await Promise.all(all);
  });

  it('is in doubt when its request failed, and was not sent behind it', async () => {
    const { publisher, requests } = rig();
    const large = [message('a', 'x'.repeat(600_000)), message('b', 'x'.repeat(600_000)), message('c')];
    const publish = outcome(publisher.publish(large));
    await turn();
    requests[0]!.store();
    await turn();
    expect(requests[1]?.ids).toEqual(['b', 'c']);
    requests[1]!.fail(new Error('no answer'));
    expect(await publish).toEqual({ stored: [0], unknown: [1, 2], unsent: [], retryable: true });
  });

  it('is parted into requests that the broker takes, by what keys, headers and letters of several bytes take there', async () => {
    const sizeOf = (record: OutgoingRecord) =>
      [record.key, record.value, ...Object.entries(record.headers).flat()]
        .map((part) => Buffer.byteLength(part ?? ''))
        .reduce((sum, bytes) => sum + bytes);
    for (const differs of [
      { headers: { baggage: 'x'.repeat(5_000) } },
      {
        headers: Object.fromEntries(Array.from({ length: 250 }, (_, n) => [`a-name-of-16-${n + 100}`, 'é'])),
      },
      { key: 'k'.repeat(5_000) },
      { body: 'é'.repeat(2_500) },
    ]) {
      const sizes: number[] = [];
      const publisher = new RecordPublisher({
        lingerMs: 0,
        send: (records) => {
          sizes.push(records.map(sizeOf).reduce((sum, bytes) => sum + bytes));
          return Promise.resolve();
        },
        isRefusal: () => false,
      });
      await publisher.publish(upTo(1_000).map((n) => ({ ...message(String(n)), ...differs })));
      expect(Math.max(...sizes)).toBeLessThan(2 ** 20);
      // Not one by one either.
      expect(sizes.length).toBeLessThan(20);
    }
  });

  it('was not stored when the broker says so', async () => {
    const { publisher, requests } = rig(true);
    const publish = outcome(publisher.publish(messages('a', 'b')));
    await turn();
    requests[0]!.fail(new Error('no such topic'));
    expect(await publish).toEqual({ stored: [], unknown: [], unsent: [0, 1], retryable: true });
  });

  it('is not sent when what came before it failed, and is to be published again', async () => {
    const { publisher, requests } = rig();
    const first = outcome(publisher.publish(messages('a')));
    await turn();
    const second = outcome(publisher.publish(messages('b')));
    requests[0]!.fail(new Error('no answer'));
    expect(await first).toMatchObject({ unknown: [0], retryable: true });
    expect(await second).toMatchObject({ unknown: [], unsent: [0], retryable: true });
    expect(requests).toHaveLength(1);
  });

  it('is sent when what came before it was refused for good', async () => {
    const { publisher, requests } = rig(true);
    const first = outcome(publisher.publish(messages('a')));
    await turn();
    const second = publisher.publish(messages('b'));
    requests[0]!.fail(Object.assign(new Error('too large'), { retryable: false }));
    expect(await first).toMatchObject({ unsent: [0], retryable: false });
    await turn();
    requests[1]!.store();
    await second;
  });

  it('is settled by its request when the connection ends, if it is under way; else it was not sent', async () => {
    const { publisher, requests } = rig();
    const first = publisher.publish(messages('a'));
    await turn();
    const [second, third] = [outcome(publisher.publish(messages('b'))), publisher.publish(messages('c'))];
    requests[0]!.store();
    await first;
    await turn();
    const late = outcome(publisher.publish(messages('d')));
    publisher.end(new Error('gone'));
    expect(await late).toMatchObject({ unsent: [0], unknown: [] });
    requests[1]!.fail(new Error('gone'));
    expect(await second).toMatchObject({ unknown: [0], unsent: [] });
    expect(await outcome(third)).toMatchObject({ unknown: [0], unsent: [] });
    expect(await outcome(publisher.publish(messages('e')))).toMatchObject({ unsent: [0] });
  });
});
