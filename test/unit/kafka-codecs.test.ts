import { afterEach, describe, expect, it, vi } from 'vitest';
import { ConfigurationError, ConnectionError } from '../../src/index.ts';
import { codecOf, type Codecs, installCodecs } from '../../src/transports/kafka/kafkajs/codecs.ts';
import type { Kafkajs } from '../../src/transports/kafka/kafkajs/load-driver.ts';

const missing = (): never => {
  throw new Error('not implemented');
};
/** As kafkajs has them before anybody has set one. */
const driver = () =>
  ({ CompressionCodecs: { 1: () => 'gzip', 2: missing, 3: missing, 4: missing } }) as unknown as Kafkajs;
const codecsOf = (kafkajs: Kafkajs) => kafkajs.CompressionCodecs as Record<number, () => unknown>;

// The packages of lz4 and zstd are compiled when they are installed; these stand in, exporting what those do.
const lz4 = { compress: () => 'lz4' };
class Lz4Codec {
  readonly codec = () => lz4;
}
const zstd = { compress: () => 'zstd' };
const zstdCodec = () => () => zstd;

describe('the codecs of kafkajs', () => {
  afterEach(() => {
    vi.doUnmock('kafkajs-lz4');
    vi.doUnmock('@kafkajs/zstd');
  });

  it('are taken from the packages that are installed, whichever type is published', async () => {
    vi.doMock('kafkajs-lz4', () => ({ default: Lz4Codec }));
    vi.doMock('@kafkajs/zstd', () => ({ default: zstdCodec }));
    const kafkajs = driver();
    expect(await installCodecs(kafkajs, 'none')).toBe(0);
    const codecs = codecsOf(kafkajs);
    expect(codecs[2]?.()).toMatchObject({ compress: expect.any(Function), decompress: expect.any(Function) });
    expect(codecs[3]?.()).toBe(lz4);
    expect(codecs[4]?.()).toBe(zstd);
  });

  it('stay where the program has set its own', async () => {
    const kafkajs = driver();
    const own = () => 'own';
    codecsOf(kafkajs)[2] = own;
    expect(await installCodecs(kafkajs, 'snappy')).toBe(2);
    expect(codecsOf(kafkajs)[2]).toBe(own);
  });

  it('are asked for by name where one is missing that is published with', async () => {
    const refused = installCodecs(driver(), 'zstd');
    await expect(refused).rejects.toThrow(ConfigurationError);
    await expect(refused).rejects.toThrow('Run: npm install @kafkajs/zstd');
  });

  it('are asked for by name and topic where one is missing that somebody else has published with', () => {
    const codecs = driver().CompressionCodecs as Codecs;
    expect(codecOf(codecs, 0, 'events.stream')).toBeUndefined();
    expect(codecOf(codecs, 1, 'events.stream')).toBe('gzip');
    for (const [number, type, name] of [
      [2, 'snappy', 'kafkajs-snappy'],
      [3, 'lz4', 'kafkajs-lz4'],
      [4, 'zstd', '@kafkajs/zstd'],
    ] as const) {
      const reading = () => codecOf(codecs, number, 'events.stream');
      // Not for good: it is no fault of this bus.
      expect(reading).toThrow(ConnectionError);
      expect(reading).toThrow(`"events.stream" holds what was compressed with ${type}`);
      expect(reading).toThrow(`npm install ${name},`);
    }
  });

  it('are told apart from packages that are there and broken', async () => {
    vi.doMock('kafkajs-lz4', () => {
      throw new Error('compiled for another Node');
    });
    await expect(installCodecs(driver(), 'lz4')).rejects.toThrow(/kafkajs-lz4, which doesn't load/);
  });
});
