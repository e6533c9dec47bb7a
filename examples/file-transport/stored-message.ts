import type { Message } from 'buschart/transport';

/** A message as a line of JSON holds it: bytes that aren't text are in base64. */
export type StoredMessage = Omit<Message, 'body'> & { readonly body: string; readonly isBase64?: true };

export function toStored(message: Message): StoredMessage {
  const { id, type, key, attributes, headers, body } = message;
  const stored = { id, type, key, attributes, headers };
  return typeof body === 'string'
    ? { ...stored, body }
    : { ...stored, body: Buffer.from(body).toString('base64'), isBase64: true };
}

export function fromStored({ isBase64, body, ...message }: StoredMessage): Message {
  return { ...message, body: isBase64 === true ? Buffer.from(body, 'base64') : body };
}
