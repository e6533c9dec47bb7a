import { ConfigurationError, ConnectionError } from '../../../errors.ts';
import type { CompressionType } from '../options.ts';
import type { Kafkajs } from './load-driver.ts';

const NUMBERS = { none: 0, gzip: 1, snappy: 2, lz4: 3, zstd: 4 } as const;

interface Compressor {
  compress(encoder: unknown): Promise<Buffer>;
  decompress(buffer: Buffer): Promise<Buffer>;
}

/** As kafkajs wants it. */
type Codec = () => Compressor;

/** By Kafka's number of the type; 0, which is none, isn't there. */
export type Codecs = Readonly<Record<number, Codec | undefined>>;

/** A package with a codec that kafkajs doesn't bring along, and how to get it out of what the package exports. */
interface CodecPackage {
  readonly type: Exclude<CompressionType, 'none' | 'gzip'>;
  readonly name: string;
  readonly codecOf: (exported: never) => Codec;
}

/** Each of them, in the newest version there is, exports something else. */
const PACKAGES: readonly CodecPackage[] = [
  { type: 'snappy', name: 'kafkajs-snappy', codecOf: (codec: Codec) => codec },
  { type: 'lz4', name: 'kafkajs-lz4', codecOf: (Lz4: new () => { codec: Codec }) => new Lz4().codec },
  { type: 'zstd', name: '@kafkajs/zstd', codecOf: (withLevels: () => Codec) => withLevels() },
];

/**
 * Sees to the codec of `type`, and to those of others that are installed, because other publishers may use them; a codec
 * that the program has set itself stays. Returns Kafka's number of the type.
 * @throws {ConfigurationError} when the package is missing, or there and broken.
 */
export async function installCodecs(kafkajs: Kafkajs, type: CompressionType): Promise<number> {
  const codecs = kafkajs.CompressionCodecs as Record<number, Codec>;
  for (const one of PACKAGES) {
    const number = NUMBERS[one.type];
    if (isThere(codecs[number])) continue;
    try {
      const { default: exported } = (await import(one.name)) as { default: unknown };
      codecs[number] = one.codecOf(exported as never);
    } catch (error) {
      if (one.type === type) throw refusal(one, error);
    }
  }
  return NUMBERS[type];
}

/**
 * What a batch of that topic is read by; undefined where it isn't compressed.
 * @throws {ConnectionError} when the package is missing. It is no ConfigurationError, though this process won't read the
 * batch before it has been started anew: any publisher may use any codec, and one batch of one of them must not end the
 * consumers of everybody for good. Between tries the member is out of its group, so that one that can read it gets it.
 */
export function codecOf(codecs: Codecs, number: number, topic: string): Compressor | undefined {
  try {
    return codecs[number]?.();
  } catch (error) {
    const missing = PACKAGES.find(({ type }) => NUMBERS[type] === number);
    if (missing === undefined) throw error;
    throw new ConnectionError(
      `"${topic}" holds what was compressed with ${missing.type}, which this process can't read. Run: npm install ${missing.name}, and start it anew`,
      { cause: error },
    );
  }
}

function refusal({ type, name }: CodecPackage, error: unknown): ConfigurationError {
  const isMissing =
    error instanceof Error && /^(ERR_)?MODULE_NOT_FOUND$/.test((error as NodeJS.ErrnoException).code ?? '');
  return new ConfigurationError(
    isMissing
      ? `compressionType "${type}" needs a package that is not installed. Run: npm install ${name}`
      : `compressionType "${type}" needs ${name}, which doesn't load: ${String(error)}. Try: npm rebuild`,
    error,
  );
}

/** kafkajs has a function in the place of a missing codec, which throws. */
function isThere(codec: Codec | undefined): boolean {
  try {
    return codec?.() !== undefined;
  } catch {
    return false;
  }
}
