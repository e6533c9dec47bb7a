import { createMachine, type AnyStateMachine, type AnyTransitionDefinition, type StateValue } from 'xstate';
import {
  busMachine,
  connectionMachine,
  consumerMachine,
  deliveriesLogic,
  deliveryMachine,
  handlerMachine,
  subscriptionMachine,
} from '../../machines/index.ts';
import { activeStates, chartOf, type Chart } from '../charts/index.ts';

/** The charts of `machines/`. That of the supervisor of deliveries, which is no machine, is drawn from its description. */
export const MACHINES: readonly AnyStateMachine[] = [
  busMachine,
  connectionMachine,
  consumerMachine,
  subscriptionMachine,
  handlerMachine,
  createMachine(deliveriesLogic.config as Parameters<typeof createMachine>[0]),
  deliveryMachine,
];

/** What a kind of actor looks like. */
export class Drawing {
  readonly chart: Chart;

  constructor(machine: AnyStateMachine) {
    this.chart = chartOf(machine);
  }

  active(value: unknown): readonly string[] {
    return value === undefined ? [] : activeStates(this.chart, value as StateValue);
  }
}

const drawings = new Map(MACHINES.map((machine) => [machine.id, new Drawing(machine)]));

export const drawingOf = (kind: string): Drawing | undefined => drawings.get(kind);

/** As the chart names them: source, event type, and the place among its alternatives. */
export function transitionIds(taken: readonly AnyTransitionDefinition[]): readonly string[] {
  return taken.map((transition) => {
    const { source, eventType } = transition;
    const alternatives = eventType === '' ? source.always : source.transitions.get(eventType);
    return `${source.id}/${eventType}/${alternatives?.indexOf(transition) ?? 0}`;
  });
}
