import type { StandardSchemaV1 } from '@standard-schema/spec';
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

/**
 * The way to any schema library, zod included: its `~standard.validate` costs nanoseconds more than `safeParse`.
 * @throws {ConfigurationError} from the parser, when the schema answers with a promise.
 */
export function payloadParser(type: string, schema: StandardSchemaV1): PayloadParser {
  const standard = schema['~standard'];
  return (payload, refuse) => {
    const result = standard.validate(payload);
    if ('then' in result) {
      result.then(undefined, () => undefined);
      throw new ConfigurationError(
        `The schema of "${type}" is asynchronous. Events are built and decoded synchronously: take out the async refinements and transforms.`,
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
