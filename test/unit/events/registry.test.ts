import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { DuplicateEventTypeError, EventTypeNotFoundError } from '../../../src/errors.ts';
import { defineEvent } from '../../../src/events/define-event.ts';
import { EventRegistry } from '../../../src/events/registry.ts';

const define = (type: string, registry = new EventRegistry()) =>
  defineEvent({ type, aggregateType: 'A', schema: z.object({}), registry });

describe('EventRegistry', () => {
  it('takes the same definition twice, and no other of its type', () => {
    const registry = new EventRegistry();
    const First = define('First');
    expect(registry.register(First)).toBe(First);
    expect(registry.register(First)).toBe(First);
    expect(registry.size).toBe(1);
    expect(() => registry.register(define('First'))).toThrow(DuplicateEventTypeError);
    expect(registry.get('First')).toBe(First);
  });

  it('lists what it knows when asked for what it does not', () => {
    const registry = new EventRegistry();
    expect(() => registry.get('X')).toThrow('none is registered');
    define('B', registry);
    define('A', registry);
    expect(() => registry.get('X')).toThrow(EventTypeNotFoundError);
    expect(() => registry.get('X')).toThrow('No event type "X" (known: A, B).');
    expect(registry.getOrUndefined('X')).toBeUndefined();
    expect(registry.has('X')).toBe(false);
    expect(registry.has('A')).toBe(true);
  });

  it('sorts types and keeps definitions in order of registration', () => {
    const registry = new EventRegistry();
    const B = define('B', registry);
    const A = define('A', registry);
    expect(registry.types()).toEqual(['A', 'B']);
    expect(registry.definitions()).toEqual([B, A]);
    expect([...registry]).toEqual([B, A]);
  });

  it('forgets one or all', () => {
    const registry = new EventRegistry();
    define('A', registry);
    define('B', registry);
    expect(registry.unregister('A')).toBe(true);
    expect(registry.unregister('A')).toBe(false);
    registry.clear();
    expect(registry.size).toBe(0);
  });
});
