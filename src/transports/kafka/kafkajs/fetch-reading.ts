import type { Codecs } from './codecs.ts';
import { FETCH_VERSION, readFetchAnswer } from './fetch-answer.ts';
import type { Broker, Cluster, RequestMaker, RequestLookup } from './kafka.ts';

/** Kafka's number of the request. */
const FETCH = 1;

/**
 * Has what a cluster's brokers fetch read by us, which takes a quarter of the time, and leaves little to collect. Every fetch
 * is preceded by the search for its broker; a broker that connects again in between has that one answer read by kafkajs.
 */
export function readFetches(cluster: Cluster, codecs: Codecs): void {
  const ours = new WeakSet<RequestLookup>();
  const find = cluster.findBroker.bind(cluster);
  cluster.findBroker = async (node) => {
    const broker = await find(node);
    if (!ours.has(broker.lookupRequest)) {
      broker.lookupRequest = lookupOf(broker, codecs);
      ours.add(broker.lookupRequest);
    }
    return broker;
  };
}

function lookupOf({ lookupRequest }: Broker, codecs: Codecs): RequestLookup {
  return (apiKey, definitions) => {
    const make = lookupRequest(apiKey, definitions);
    return apiKey === FETCH ? reading(make, codecs) : make;
  };
}

/** What can't be read here is left to kafkajs. */
function reading(make: RequestMaker, codecs: Codecs): RequestMaker {
  return (options) => {
    const made = make(options);
    const { request, response } = made;
    if (request.apiVersion !== FETCH_VERSION) return made;
    const decode = async (answer: Buffer) =>
      (await readFetchAnswer(answer, codecs)) ?? (await response.decode(answer));
    return { ...made, response: { ...response, decode } };
  };
}
