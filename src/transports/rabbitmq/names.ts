/** Delays that a retry at the broker can wait, in milliseconds: one queue each, because a queue delays its head only. */
export const RETRY_TIERS_MS = [1000, 5000, 15_000, 60_000, 300_000] as const;

/** The shortest tier that isn't shorter than `delayMs`, or the longest there is. */
export function tierOf(delayMs: number): number {
  return RETRY_TIERS_MS.find((tierMs) => tierMs >= delayMs) ?? (RETRY_TIERS_MS.at(-1) as number);
}

/** As eventsource-py names it, so that both can share a broker. */
export const queueOf = (exchange: string, group: string): string => `${exchange}.${group}`;
export const dlqOf = (queue: string): string => `${queue}.dlq`;
export const retryQueueOf = (queue: string, tierMs: number): string => `${queue}.retry.${tierMs}`;
export const routingKeyOf = (aggregateType: string, type: string): string => `${aggregateType}.${type}`;

/** Of a consumer that begins for the `count`th time. AMQP takes 255 bytes. The end of a consumer's name tells it from its namesakes, so what is too long goes in front. */
export function tagOf(consumer: string, count: number): string {
  if (count === 1) return consumer;
  const end = `.${count}`;
  let name = consumer;
  while (Buffer.byteLength(name) + end.length > 255) name = name.slice(1);
  return name + end;
}
