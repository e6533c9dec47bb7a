import { inspect } from 'node:util';
import { expect, it } from 'vitest';
import { connectionError, driverError } from '../../src/transports/redis/server-errors.ts';

/** As ioredis makes them. */
const refusal = (message: string) =>
  Object.assign(new Error(message), { name: 'ReplyError', command: { name: 'auth', args: ['hush-hush'] } });

it('keeps the name of the command that failed, and nothing of its arguments', () => {
  const error = driverError(refusal('WRONGPASS invalid username-password pair'));
  expect(error).toMatchObject({ name: 'ReplyError', command: { name: 'auth' } });
  expect(inspect(connectionError('Could not connect to', 'h:1', error), { depth: 10 })).not.toContain(
    'hush-hush',
  );
});

it('leaves out what a server quotes of a command that it does not know', () => {
  const error = driverError(
    refusal("ERR unknown command 'AUTH', with args beginning with: 'hush-\nhush-hush' "),
  );
  expect(error.message).toBe("ERR unknown command 'AUTH'");
  expect(error.stack).toMatch(/^[^\n]*unknown command 'AUTH'\n +at /);
  expect(inspect(error, { depth: 10 })).not.toContain('hush');
});

it('makes an error of whatever else was thrown', () => {
  expect(driverError('gone').message).toBe('gone');
  expect(driverError(undefined)).toBeInstanceOf(Error);
});
