import { ConfigurationError, ConnectionError, EventBusError } from '../../../errors.ts';

interface KafkajsError extends Error {
  readonly type?: unknown;
  readonly code?: unknown;
  readonly originalError?: unknown;
  /** Of what concerns several topics; we ask about one at a time. */
  readonly errors?: readonly unknown[];
}

const TLS =
  /ERR_TLS|ERR_SSL|CERT_|DEPTH_ZERO|SELF_SIGNED|UNABLE_TO_|EPROTO|HOSTNAME_MISMATCH|certificate|SSL routines/i;
const REFUSED =
  /MESSAGE_TOO_LARGE|RECORD_LIST_TOO_LARGE|ILLEGAL_SASL_STATE|UNSUPPORTED_SASL_MECHANISM|SASL_AUTHENTICATION_FAILED/;
/** The broker's word for what no second try will mend, rights that this user hasn't among it. */
const MISCONFIGURED =
  /^((GROUP|TOPIC|CLUSTER|TRANSACTIONAL_ID)_AUTHORIZATION_FAILED|INVALID_GROUP_ID|INVALID_SESSION_TIMEOUT|INVALID_REPLICATION_FACTOR|INVALID_PARTITIONS|INVALID_TOPIC_EXCEPTION|INVALID_REQUIRED_ACKS|POLICY_VIOLATION)$/;

/**
 * Wraps what the driver threw, and leaves errors of our own as they are. What kafkajs says of `retriable` isn't asked:
 * it calls a refused connection final.
 */
export function kafkaError(doing: string, where: string, thrown: unknown): EventBusError {
  const chain = [...causes(thrown)];
  const own = chain.find((error) => error instanceof EventBusError);
  if (own !== undefined) return own;
  const message = chain.map((error) => error.message).find((text) => text !== '') ?? String(thrown);
  const what = `${doing} Kafka at ${where}: ${message}`;
  if (chain.some(({ type }) => typeof type === 'string' && MISCONFIGURED.test(type)))
    return new ConfigurationError(what, thrown);
  return new ConnectionError(what, { retryable: !chain.some(isRefusal), cause: thrown });
}

/** The broker's own name for the error, such as MESSAGE_TOO_LARGE; undefined where it gave none. */
export function protocolType(thrown: unknown): string | undefined {
  for (const { type } of causes(thrown)) if (typeof type === 'string') return type;
  return undefined;
}

/** What a broker says before it stores anything of a topic, and of a partition. */
const TOPIC_REFUSED = /^(UNKNOWN_TOPIC_OR_PARTITION|TOPIC_AUTHORIZATION_FAILED|INVALID_REQUIRED_ACKS)$/;
const PARTITION_REFUSED = /^(MESSAGE_TOO_LARGE|NOT_ENOUGH_REPLICAS)$/;

/** Whether a broker that says so has stored none of `count` records: of several, some may be in other partitions. */
export const storedNothing = (type: string | undefined, count: number): boolean =>
  type !== undefined && (TOPIC_REFUSED.test(type) || (count === 1 && PARTITION_REFUSED.test(type)));

function isRefusal({ name, message, type, code }: KafkajsError): boolean {
  if (/SASL/.test(name)) return true;
  if (typeof type === 'string' && REFUSED.test(type)) return true;
  return TLS.test(message) || (typeof code === 'string' && TLS.test(code));
}

function* causes(thrown: unknown): Generator<KafkajsError> {
  let error = thrown;
  for (let depth = 0; error instanceof Error && depth < 8; depth++) {
    const { errors, originalError, cause }: KafkajsError = error;
    const [first] = errors ?? [];
    if (first === undefined) yield error;
    error = first ?? originalError ?? cause;
  }
}

/** Settles as `task` does, or rejects after `limitMs`. */
export async function within<T>(task: Promise<T>, limitMs: number, doing: string): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new ConnectionError(`${doing} took more than ${limitMs} ms`)), limitMs);
  });
  try {
    return await Promise.race([task, late]);
  } finally {
    clearTimeout(timer);
  }
}
