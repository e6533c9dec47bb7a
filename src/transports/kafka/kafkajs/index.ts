import type { KafkaDriver } from '../driver.ts';
import type { KafkaSettings } from '../options.ts';
import { KafkajsClient } from './client.ts';
import { loadKafkajs } from './load-driver.ts';

/** kafkajs 2.2.4, of which some innards are used: see kafka.ts and member.ts. */
export const kafkajsDriver = (settings: KafkaSettings, where: string): KafkaDriver => ({
  open: async (signal) => KafkajsClient.open(await loadKafkajs(), settings, where, signal),
});
