import { ConfigurationError, ConnectionError, EventBusError } from '../../errors.ts';

/**
 * Answers of a server that will be able to do it later, perhaps as another server behind the same name: also where
 * memory, disk or replicas are short, which somebody will mend.
 */
const PASSING = /^(LOADING|READONLY|MASTERDOWN|CLUSTERDOWN|TRYAGAIN|NOREPLICAS|OOM|MISCONF|BUSY|MOVED|ASK)\b/;
const REFUSED = /^(WRONGPASS|NOAUTH|NOPERM|ERR invalid password|ERR AUTH|ERR DB index|ERR Client sent AUTH)/i;
const TLS_CODE = /^(ERR_TLS|ERR_SSL|CERT_|DEPTH_ZERO|SELF_SIGNED|UNABLE_TO_|EPROTO|HOSTNAME_MISMATCH)/;

/** How a server goes on that doesn't know the command, or knows it by another name. */
const QUOTED_ARGUMENTS = /,? with args beginning with:[^]*$/;

/**
 * What the driver threw. It keeps the name of the command that failed and loses its arguments: they are the bodies of
 * events, or the password, and errors go to loggers.
 */
export function driverError(thrown: unknown): Error {
  if (!(thrown instanceof Error)) return new Error(String(thrown));
  const failed = thrown as { command?: { readonly name: unknown } };
  if (failed.command !== undefined) failed.command = { name: failed.command.name };
  const { message, stack = '' } = thrown;
  if (QUOTED_ARGUMENTS.test(message)) {
    thrown.message = message.replace(QUOTED_ARGUMENTS, '');
    thrown.stack = stack.replace(message, () => thrown.message);
  }
  return thrown;
}

/** The server said no: the command was not carried out. */
export function isServerAnswer(error: unknown): error is Error {
  return error instanceof Error && error.name === 'ReplyError';
}

/** The server's answer, or an option of ours: no socket is to blame. */
export function isRefused(error: Error): boolean {
  return error instanceof ConfigurationError || [error, error.cause].some(isServerAnswer);
}

/** The group or its stream isn't there; three texts of Redis for the one fact. */
export function isMissingGroup(error: unknown): boolean {
  return (
    isServerAnswer(error) &&
    /^(NOGROUP|UNBLOCKED)|no longer exists|requires the key to exist/.test(error.message)
  );
}

export function isPassing(error: unknown): boolean {
  return isServerAnswer(error) && PASSING.test(error.message);
}

/** Credentials, rights or TLS: trying again can't help. */
export function isRefusal(error: unknown): boolean {
  const code = (error as { code?: unknown } | undefined)?.code;
  return (
    (isServerAnswer(error) && REFUSED.test(error.message)) ||
    (typeof code === 'string' && TLS_CODE.test(code))
  );
}

/** Wraps what the driver threw, and leaves errors of our own as they are. */
export function connectionError(doing: string, where: string, thrown: unknown): EventBusError {
  if (thrown instanceof EventBusError) return thrown;
  const cause = driverError(thrown);
  const reason = cause.message || (cause as { code?: string }).code || 'no reason given';
  return new ConnectionError(`${doing} Redis at ${where}: ${reason}`, {
    retryable: !isRefusal(cause),
    cause,
  });
}
