import fc from 'fast-check';
import { runSeed } from './seed.ts';

// Every property test then repeats with the run's one seed; a test that passes a seed of its own overrides it.
fc.configureGlobal({ seed: runSeed() });
