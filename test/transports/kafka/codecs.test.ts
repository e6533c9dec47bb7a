import kafkajs from 'kafkajs';
import { afterEach, beforeEach, describe, expect, inject, it } from 'vitest';
import { asRecords, eventually, placed, Rig } from './rig.ts';

const servers = inject('kafkaServers');
const LZ4 = kafkajs.CompressionTypes.LZ4;
const codecs = kafkajs.CompressionCodecs as Record<number, unknown>;
/** As kafkajs has it before anybody has set one; nobody has, for want of the package. */
const missing = codecs[LZ4];

/** A frame of LZ4 that says of its one block, of at most 64 KiB, that it isn't compressed. */
const HEAD = Buffer.from('04224d18604082', 'hex');
const lz4 = () => ({
  compress: async ({ buffer }: { buffer: Buffer }) => {
    const length = Buffer.alloc(4);
    length.writeUInt32LE((buffer.length | 0x80000000) >>> 0);
    return Buffer.concat([HEAD, length, buffer, Buffer.alloc(4)]);
  },
  decompress: async (frame: Buffer) => frame.subarray(HEAD.length + 4, -4),
});

describe.skipIf(servers === undefined)(
  'what was compressed on Kafka by a codec that is not installed',
  () => {
    let rig: Rig;
    beforeEach(() => {
      rig = new Rig(servers!);
    });
    afterEach(async () => {
      codecs[LZ4] = missing;
      await rig.close();
    });

    /** Before who isn't to have the codec reads, since both are in one process. */
    async function publishCompressed(
      topic: string,
      messages: Parameters<typeof asRecords>[0],
    ): Promise<void> {
      codecs[LZ4] = lz4;
      await rig.producer((producer) =>
        producer.send({ topic, messages: asRecords(messages, 'same'), compression: LZ4 }),
      );
      codecs[LZ4] = missing;
    }

    it('is told of by topic and package, and read as soon as somebody can', async () => {
      await rig.bus().connect();
      await publishCompressed(rig.topic, placed(10));
      const seen: number[] = [];
      const bus = await rig.consumer(seen);
      const told = await eventually(
        async () => (await bus.healthCheck()).reasons.join(),
        (reasons) => reasons.includes('lz4'),
      );
      expect(told).toContain(`"${rig.topic}" holds what was compressed with lz4`);
      expect(told).toContain('npm install kafkajs-lz4');
      // Another member that can, or this process when it is started anew.
      codecs[LZ4] = lz4;
      await eventually(
        () => seen.length,
        (count) => count === 10,
      );
    });

    it('is told of likewise where it lies among the dead letters', async () => {
      const bus = await rig.consumer([]);
      await publishCompressed(`${rig.topic}.dlq`, placed(1));
      await expect(bus.deadLetters.list()).rejects.toThrow(
        new RegExp(`"${rig.topic}.dlq" holds .*npm install kafkajs-lz4`),
      );
    });
  },
);
