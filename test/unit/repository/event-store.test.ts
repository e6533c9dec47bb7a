import { InMemoryEventStore } from '../../../src/repository/index.ts';
import { describeEventStore } from '../../../src/testing/event-store-suite.ts';
import { runSeed } from '../../support/seed.ts';

describeEventStore(
  'InMemoryEventStore',
  { open: () => Promise.resolve(new InMemoryEventStore()) },
  runSeed(),
);
