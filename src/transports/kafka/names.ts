/** Topics as eventsource-py names them, so that both can share a broker; the replays are ours. */
export const topicOf = (prefix: string): string => `${prefix}.stream`;
export const deadLetterTopicOf = (topic: string): string => `${topic}.dlq`;
export const replayTopicOf = (topic: string, group: string): string => `${topic}.${group}.replay`;

/** What Kafka takes as the name of a topic, of which a prefix and a group become a part. */
export const TOPIC_NAME = /^[a-zA-Z0-9._-]{1,249}$/;
