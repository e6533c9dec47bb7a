import { ConfigurationError } from '../../../errors.ts';
import type { CompressionType } from '../options.ts';
import type { Kafkajs } from './load-driver.ts';

/** kafkajs brings gzip along; these it takes from packages that only those need who use them. */
const PACKAGES = { snappy: 'kafkajs-snappy', lz4: 'kafkajs-lz4', zstd: '@kafkajs/zstd' } as const;
const NUMBERS = { none: 0, gzip: 1, snappy: 2, lz4: 3, zstd: 4 } as const;

/** By Kafka's number of the type; 0, which is none, isn't there. */
export type Codecs = Readonly<Record<number, Codec | undefined>>;

type Codec = () => {
  compress(encoder: unknown): Promise<Buffer>;
  decompress(buffer: Buffer): Promise<Buffer>;
};

/**
 * Sees to the codec of `type`, and to those of others that are installed, because other publishers may use them; a codec
 * that the program has set itself stays. Returns Kafka's number of the type.
 * @throws {ConfigurationError} when the package is missing.
 */
export async function installCodecs(kafkajs: Kafkajs, type: CompressionType): Promise<number> {
  const codecs = kafkajs.CompressionCodecs as Record<number, Codec>;
  for (const [name, packageName] of Object.entries(PACKAGES) as [keyof typeof PACKAGES, string][]) {
    const number = NUMBERS[name];
    if (isThere(codecs[number])) continue;
    try {
      codecs[number] = codecOf((await import(packageName)) as CodecModule);
    } catch (error) {
      if (name === type)
        throw new ConfigurationError(
          `compressionType "${type}" needs a package that is not installed. Run: npm install ${packageName}`,
          error,
        );
    }
  }
  return NUMBERS[type];
}

/** These packages are CommonJS: a function, a class to be made with a level, or an object around either. */
interface CodecModule {
  readonly default: Codec | (new () => { codec: Codec }) | { readonly default: Codec };
}

function codecOf({ default: exported }: CodecModule): Codec {
  if (typeof exported !== 'function') return exported.default;
  if (/^class\b/.test(Function.prototype.toString.call(exported)) || 'codec' in exported.prototype)
    return new (exported as new () => { codec: Codec })().codec;
  return exported as Codec;
}

/** kafkajs has a function in the place of a missing codec, which throws. */
function isThere(codec: Codec | undefined): boolean {
  try {
    return codec?.() !== undefined;
  } catch {
    return false;
  }
}
