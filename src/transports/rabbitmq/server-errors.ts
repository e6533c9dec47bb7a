import { ConfigurationError, ConnectionError, EventBusError } from '../../errors.ts';

const TLS_CODE = /^(ERR_TLS|ERR_SSL|CERT_|DEPTH_ZERO|SELF_SIGNED|UNABLE_TO_|EPROTO|HOSTNAME_MISMATCH)/;
/**
 * What the server says to a client that it won't have: 403 at the handshake, 530 for a virtual host that isn't there. In
 * the driver's words, which alone begin like this: the number may stand anywhere, in the name of a host for one. What is
 * asked of a connection that was closed quotes why.
 */
const REFUSED =
  /^(?:Connection closed \(Error: )?(?:Handshake terminated by server|Connection closed|Channel closed by server|Operation failed: \w+;):? (?:403|530) \(/;

export function asError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(String(thrown));
}

/** Credentials, virtual host, rights or TLS: trying again can't help. */
export function isRefusal(error: unknown): boolean {
  const { code, message = '' } = (error ?? {}) as { code?: unknown; message?: string };
  return (typeof code === 'string' && TLS_CODE.test(code)) || REFUSED.test(message);
}

/** 406: what is there was declared otherwise. */
export function isMismatch(error: unknown): boolean {
  return (
    (error as { code?: unknown } | undefined)?.code === 406 ||
    /PRECONDITION[-_]FAILED/.test(asError(error).message)
  );
}

/** The server took back all that a channel held, since one delivery of it had waited too long for its acknowledgement. */
export function isDeliveryTimeout(error: unknown): boolean {
  return /delivery acknowledgement .*timed out/is.test(asError(error).message);
}

/** What to do about it. */
export const deliveryTimeout = (queue: string, cause: Error): string =>
  `RabbitMQ took back what was in hand of "${queue}": a delivery wasn't settled within its consumer_timeout. ` +
  'Give its handler a shorter timeoutMs, or RabbitMQ a longer consumer_timeout. ' +
  `It says: ${cause.message}`;

/** 404: no such queue or exchange. */
export function isMissing(error: unknown): boolean {
  return (
    (error as { code?: unknown } | undefined)?.code === 404 || /NOT[-_]FOUND/.test(asError(error).message)
  );
}

/** 403 on a channel: rights that this user hasn't, or a name that RabbitMQ keeps to itself; not a queue in use. */
function isForbidden(error: unknown): boolean {
  return (
    (error as { code?: unknown } | undefined)?.code === 403 &&
    /refused for user|reserved prefix/.test(asError(error).message)
  );
}

/** The server let us in, and then would not open the virtual host. The driver doesn't tell what it said. */
export function isVhostRefusal(error: unknown): boolean {
  return asError(error).message.startsWith('Expected ConnectionOpenOk; got <ConnectionClose');
}

/** Wraps what the driver threw, and leaves errors of our own as they are; amqplib never tells the password. */
export function connectionError(doing: string, where: string, cause: unknown): EventBusError {
  if (cause instanceof EventBusError) return cause;
  const reason = asError(cause).message || (cause as { code?: string }).code || 'no reason given';
  if (isForbidden(cause)) return new ConfigurationError(`${doing} RabbitMQ at ${where}: ${reason}`, cause);
  return new ConnectionError(`${doing} RabbitMQ at ${where}: ${reason}`, {
    retryable: !isRefusal(cause),
    cause,
  });
}
