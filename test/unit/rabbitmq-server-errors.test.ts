import { describe, expect, it } from 'vitest';
import { connectionError, isRefusal } from '../../src/transports/rabbitmq/server-errors.ts';

describe('what ends a connection to RabbitMQ', () => {
  it.each([
    'Handshake terminated by server: 403 (ACCESS-REFUSED) with message "ACCESS_REFUSED - Login was refused using authentication mechanism PLAIN."',
    'Connection closed: 530 (NOT-ALLOWED) with message "NOT_ALLOWED - vhost / is going away"',
    'Connection closed (Error: Connection closed: 530 (NOT-ALLOWED) with message "NOT_ALLOWED")',
    `Channel closed by server: 403 (ACCESS-REFUSED) with message "ACCESS_REFUSED - queue 'q' in vhost '/' in exclusive use"`,
    `Operation failed: BasicConsume; 403 (ACCESS-REFUSED) with message "ACCESS_REFUSED - queue 'q' in vhost '/' in exclusive use"`,
  ])('is for good when the server says so: %s', (message) => {
    expect(isRefusal(new Error(message))).toBe(true);
    expect(connectionError('Lost', 'here:5672', new Error(message))).toMatchObject({ retryable: false });
  });

  it.each([
    'getaddrinfo ENOTFOUND rabbit-403.invalid',
    'getaddrinfo EAI_AGAIN rabbit.530.example',
    'connect ECONNREFUSED 10.0.4.3:530',
    'getaddrinfo ENOTFOUND not-allowed.NOT-ALLOWED.invalid',
    'Connection closed (Error: getaddrinfo ENOTFOUND rabbit-403.invalid)',
    'Connection closed: 320 (CONNECTION-FORCED) with message "CONNECTION_FORCED - 403 of them were closed"',
    'Handshake terminated by server: 541 (INTERNAL-ERROR) with message "INTERNAL_ERROR - access_refused_530"',
  ])('is tried again whatever number stands elsewhere: %s', (message) => {
    expect(isRefusal(new Error(message))).toBe(false);
    expect(connectionError('Could not connect to', 'here:5672', new Error(message))).toMatchObject({
      retryable: true,
    });
  });

  it('is for good when a certificate is refused', () => {
    expect(isRefusal(Object.assign(new Error('no'), { code: 'CERT_HAS_EXPIRED' }))).toBe(true);
  });
});
