import type { StandardSchemaV1 } from '@standard-schema/spec';
import { $ZodAsyncError } from 'zod/v4/core';
import { ConfigurationError } from '../errors.ts';
import { formatPath } from './place.ts';

/** Why a payload was refused by its schema. */
export interface SchemaRefusal {
  /** Every issue with its path, in one line. */
  readonly text: string;
  /** Of the first issue, such as `lines[0].price`; empty for the payload as a whole. */
  readonly path: string;
  readonly issues: readonly StandardSchemaV1.Issue[];
}

/** Parses a payload, or calls `refuse` and throws what that returns. */
export type PayloadParser = (payload: unknown, refuse: (refusal: SchemaRefusal) => Error) => object;

/** @throws {ConfigurationError} from the parser, when the schema is asynchronous or puts out no object. */
export function payloadParser(type: string, schema: StandardSchemaV1): PayloadParser {
  const validate = isZod(schema) ? zodValidator(schema) : standardValidator(schema);
  return (payload, refuse) => {
    const result = validate(payload);
    if (result === 'asynchronous') {
      throw new ConfigurationError(
        `The schema of "${type}" is asynchronous. Events are built and decoded synchronously: take out its async refinements and transforms.`,
      );
    }
    if (result.issues) throw refuse(describe(result.issues));
    const { value } = result;
    if (typeof value !== 'object' || value === null || Array.isArray(value)) {
      throw new ConfigurationError(
        `The schema of "${type}" must put out an object, because payload fields stand beside the envelope.`,
      );
    }
    return value;
  };
}

type Validator = (payload: unknown) => StandardSchemaV1.Result<unknown> | 'asynchronous';

function standardValidator(schema: StandardSchemaV1): Validator {
  const standard = schema['~standard'];
  return (payload) => {
    const result = standard.validate(payload);
    if (!('then' in result)) return result;
    // Nobody waits for it, and an unhandled rejection would end the process.
    result.then(undefined, () => undefined);
    return 'asynchronous';
  };
}

/**
 * zod's own way, as fast as the standard one: that one answers with a promise, after running every refinement again,
 * when a refinement throws.
 */
function zodValidator(schema: ZodSchema): Validator {
  return (payload) => {
    try {
      const result = schema.safeParse(payload);
      return result.success ? { value: result.data } : { issues: result.error.issues };
    } catch (error) {
      if (error instanceof $ZodAsyncError) return 'asynchronous';
      throw error;
    }
  };
}

interface ZodSchema {
  safeParse(
    payload: unknown,
  ):
    | { readonly success: true; readonly data: unknown }
    | { readonly success: false; readonly error: { readonly issues: readonly StandardSchemaV1.Issue[] } };
}

function isZod(schema: StandardSchemaV1): schema is StandardSchemaV1 & ZodSchema {
  return schema['~standard'].vendor === 'zod' && 'safeParse' in schema;
}

/** Top-level field names, for schemas that show them, as zod's objects do; otherwise none. */
export function visibleFields(schema: StandardSchemaV1): readonly string[] {
  const shape = (schema as { readonly shape?: unknown }).shape;
  return typeof shape === 'object' && shape !== null ? Object.keys(shape) : [];
}

function describe(issues: readonly StandardSchemaV1.Issue[]): SchemaRefusal {
  const paths = issues.map((issue) =>
    formatPath((issue.path ?? []).map((part) => (typeof part === 'object' ? part.key : part))),
  );
  const lines = issues.map((issue, index) =>
    paths[index] === '' ? issue.message : `${paths[index]}: ${issue.message}`,
  );
  return { text: lines.join('; '), path: paths[0] ?? '', issues };
}
