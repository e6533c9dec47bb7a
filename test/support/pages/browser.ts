import type { TestProject } from 'vitest/node';
import { requiredBrokers, requireVariable } from '../brokers.ts';
import { findChromium } from './find-chromium.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** The program of a Chromium; undefined where there is none. */
    chromium: string | undefined;
  }
}

/** The global setup of the tests in a browser: finds one, and gives its path to `inject`. */
export default function setup(project: TestProject): void {
  let why: string | undefined;
  try {
    project.provide('chromium', findChromium());
  } catch (error) {
    why = (error as Error).message;
    project.provide('chromium', undefined);
  }
  if (why !== undefined && requiredBrokers(process.env[requireVariable]).has('chromium'))
    throw new Error(`${requireVariable} asks for what isn't here: chromium: ${why}`);
  project.provide('notTested', why === undefined ? [] : [{ broker: 'chromium', why }]);
}
