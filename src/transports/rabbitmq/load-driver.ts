import type { ChannelModel } from 'amqplib';
import { DriverMissingError } from '../../errors.ts';

/** The part of the amqplib module that is used. */
export interface RabbitDriver {
  connect(url: string, socketOptions: object): Promise<ChannelModel>;
}

/** @throws {DriverMissingError} when amqplib isn't installed. */
export async function loadDriver(): Promise<RabbitDriver> {
  try {
    const { default: driver } = await import('amqplib');
    return driver;
  } catch (error) {
    throw new DriverMissingError('amqplib', error);
  }
}
