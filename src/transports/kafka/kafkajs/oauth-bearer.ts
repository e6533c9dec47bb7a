import type { Mechanism } from 'kafkajs';
import type { KafkaSettings } from '../options.ts';
import type { Kafkajs } from './load-driver.ts';

type Bearer = Extract<NonNullable<KafkaSettings['sasl']>, { readonly mechanism: 'oauthbearer' }>;

/** Separates the parts of the client's message. */
const SOH = '\u0001';
const LENGTH_BYTES = 4;

/**
 * SASL OAUTHBEARER as of RFC 7628. kafkajs' own doesn't read the answer: a broker that refuses a token says so in it and
 * waits for a further word, so that the connection would stand and every request on it time out.
 */
export function oauthBearer(kafkajs: Kafkajs, { oauthBearerProvider }: Bearer): Mechanism {
  // Its types leave the message out.
  const Refused = kafkajs.KafkaJSSASLAuthenticationError as new (message: string) => Error;
  return {
    mechanism: 'oauthbearer',
    authenticationProvider: ({ saslAuthenticate }) => ({
      async authenticate() {
        const { value } = await oauthBearerProvider();
        const refusal = await saslAuthenticate({
          request: { encode: () => withLength(`n,,${SOH}auth=Bearer ${value}${SOH}${SOH}`) },
          response: {
            decode: (answer) => answer.subarray(LENGTH_BYTES),
            parse: (answer) => answer.toString(),
          },
        });
        if (refusal !== undefined && refusal !== '') throw new Refused(`The token was refused: ${refusal}`);
      },
    }),
  };
}

function withLength(text: string): Buffer {
  const bytes = Buffer.alloc(LENGTH_BYTES + Buffer.byteLength(text));
  bytes.writeInt32BE(bytes.length - LENGTH_BYTES);
  bytes.write(text, LENGTH_BYTES);
  return bytes;
}
