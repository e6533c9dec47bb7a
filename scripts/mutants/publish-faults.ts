import { faultsOf, type Fault } from './fault.ts';
import { PUBLISH_QUEUE } from './tests.ts';

const fault = faultsOf('src/bus/publish-queue.ts', PUBLISH_QUEUE);

/** In what is published and not yet confirmed. */
export const publishFaults: readonly Fault[] = [
  fault(
    'a publish overtakes what a lost connection carried',
    'this.#unsent.length > 0 || this.#unanswered.size > 0',
    'this.#unsent.length > 0',
  ),
  fault(
    'what waits is overtaken',
    'this.#unsent.length > 0 || this.#unanswered.size > 0',
    'this.#unanswered.size > 0',
  ),
  fault(
    'a stale confirmation of a lost connection frees nothing',
    'if (this.#connection !== connection) this.#flush();\n      },',
    '      },',
  ),
  fault('what is stored is sent again', 'sent.filter((_, at) => !stored.has(at))', '[...sent]'),
  fault('what is in doubt is called unsent', 'request.inDoubt.add((sent[at] as Message).id);', 'void at;'),
  fault(
    'what is put back goes behind what came later',
    'for (const open of this.#open) if (waiting.has(open)) this.#unsent.push(open);',
    'for (const open of waiting) this.#unsent.push(open);',
  ),
  fault('it is sent again without a pause', 'resendMs: RESEND_MS,', 'resendMs: 1,'),
  fault(
    'a publish waits for ever',
    'if (this.#expiry === undefined) this.#watch(request);\n    const mustWait',
    'const mustWait',
  ),
  fault('the queue has no bound', 'this.#events + messages.length > maxQueuedPublishes', 'false as boolean'),
  fault(
    'a refusal for good is tried again',
    'failure !== undefined && !failure.retryable',
    'false as boolean',
  ),
];
