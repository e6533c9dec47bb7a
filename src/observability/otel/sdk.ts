import { createNoopMeter, metrics, trace, type Meter, type Tracer } from '@opentelemetry/api';

/** Name of the instrumentation scope of everything that is traced and measured. */
export const SCOPE = 'buschart';

/** Uses of {@link Sdk.isOn} between two looks for what can't be seen at a glance. */
const LOOK_EVERY = 256;

/** The API's own provider, which stands in until an SDK is registered; then it answers by that. */
interface StandIn {
  getDelegateTracer(name: string): Tracer | undefined;
}

const NOBODY: StandIn = { getDelegateTracer: () => undefined };

/**
 * The OpenTelemetry SDK of this process, if one is registered, also later than the bus was made. That there is no tracer
 * costs one read of a field to see; a meter, and a tracer by another copy of the API, are looked for now and then.
 */
export class Sdk {
  tracer: Tracer | undefined = undefined;
  meter: Meter | undefined = undefined;
  readonly #wants: { readonly traces: boolean; readonly metrics: boolean };
  readonly #meterChanged: (meter: Meter | undefined) => void;
  readonly #failed: (error: unknown) => void;
  /** Asked for a tracer while there is none. */
  #standIn: StandIn = NOBODY;
  #untilLook = LOOK_EVERY;
  #isOn = false;

  constructor(
    wants: { readonly traces: boolean; readonly metrics: boolean },
    on: { readonly meter: (meter: Meter | undefined) => void; readonly failed: (error: unknown) => void },
  ) {
    this.#wants = wants;
    this.#meterChanged = on.meter;
    this.#failed = on.failed;
  }

  /** Somebody traces or measures. Asked for every event. */
  get isOn(): boolean {
    if (--this.#untilLook < 0) this.look();
    else
      try {
        if (this.#standIn.getDelegateTracer(SCOPE) !== undefined) this.look();
      } catch {
        this.look();
      }
    return this.#isOn;
  }

  look(): void {
    this.#untilLook = LOOK_EVERY;
    this.#standIn = NOBODY;
    try {
      if (this.#wants.traces) this.#takeTracer();
      if (this.#wants.metrics) this.#takeMeter(metrics.getMeter(SCOPE));
    } catch (error) {
      this.#failed(error);
    }
    this.#isOn = this.tracer !== undefined || this.meter !== undefined;
  }

  #takeTracer(): void {
    const provider = trace.getTracerProvider() as Partial<StandIn> & { getTracer(name: string): Tracer };
    this.tracer = undefined;
    this.tracer =
      provider.getDelegateTracer === undefined
        ? provider.getTracer(SCOPE)
        : provider.getDelegateTracer(SCOPE);
    if (this.tracer === undefined) this.#standIn = provider as StandIn;
  }

  #takeMeter(found: Meter): void {
    const meter = found === createNoopMeter() ? undefined : found;
    if (meter === this.meter) return;
    this.meter = meter;
    this.#meterChanged(meter);
  }
}
