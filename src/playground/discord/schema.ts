import { $ZodNever, $ZodOptional, $ZodUnknown, clone, safeParse } from 'zod/v4/core';
import type { $ZodIssue, $ZodShape, $ZodType, $ZodTypes } from 'zod/v4/core';
import { invalidForm, type Problem } from './discord-error.ts';

// discord.js sends these with every kind of message request, also where the schema does not have them (webhook edits,
// callbacks, message edits); Discord ignores them there.
const SENT_WITH_EVERY_MESSAGE = ['tts', 'nonce', 'enforce_nonce'];

// The schema says a number, the documentation and discord.js a string of digits; the registry looks at it.
const WRONG_IN_THE_SCHEMA = new Set(['default_member_permissions']);

const nothing = new $ZodNever({ type: 'never' });
const anything = new $ZodOptional({ type: 'optional', innerType: new $ZodUnknown({ type: 'unknown' }) });

const closedSchemas = new WeakMap<$ZodType, $ZodType>();

/**
 * The same schema with closed objects. The package lets unknown keys pass, and its own switch (`setStrictObject`) has no
 * effect: the objects are built while the module is imported, before anybody can call it.
 */
export function closed<Schema extends $ZodType>(schema: Schema): Schema {
  return clone(schema, { ...schema._zod.def, ...closedParts(schema) });
}

function closedOnce(schema: $ZodType): $ZodType {
  let result = closedSchemas.get(schema);
  if (!result) closedSchemas.set(schema, (result = closed(schema)));
  return result;
}

function closedParts(schema: $ZodType): object {
  if (!isBuiltIn(schema)) return {};
  const { def } = schema._zod;
  if (def.type === 'object') return { shape: closedShape(def.shape), catchall: nothing };
  if (def.type === 'array') return { element: closedOnce(def.element) };
  if (def.type === 'union') return { options: def.options.map(closedOnce) };
  if (def.type === 'optional' || def.type === 'nullable') return { innerType: closedOnce(def.innerType) };
  if (def.type === 'lazy') return { getter: () => closedOnce(def.getter()) };
  return {};
}

function closedShape(shape: $ZodShape): $ZodShape {
  const parts = Object.entries(shape).map(([key, part]) => {
    if (WRONG_IN_THE_SCHEMA.has(key)) return [key, anything] as const;
    return [key, isSchema(part) ? closedOnce(part) : part] as const;
  });
  const extras = 'embeds' in shape ? SENT_WITH_EVERY_MESSAGE : [];
  return { ...Object.fromEntries(extras.map((key) => [key, anything])), ...Object.fromEntries(parts) };
}

function isSchema(part: object): part is $ZodType {
  return '_zod' in part && '~standard' in part;
}

function isBuiltIn(schema: $ZodType): schema is $ZodTypes {
  return 'def' in schema._zod;
}

/** Throws Discord's `Invalid Form Body` with every wrong place. */
export function check<Output>(schema: $ZodType<Output>, body: unknown): Output {
  const result = safeParse(schema, body);
  if (result.success) return result.data;
  throw invalidForm(...result.error.issues.flatMap((issue) => problems(issue, [])));
}

function problems(issue: $ZodIssue, parents: readonly (string | number)[]): Problem[] {
  const path = [...parents, ...issue.path.map((key) => (typeof key === 'number' ? key : String(key)))];
  if (issue.code === 'invalid_union') {
    // The alternative that was meant is the one whose `type` is right.
    const meant = issue.errors.find((issues) => !issues.some((inner) => inner.path.at(-1) === 'type'));
    if (meant?.length) return meant.flatMap((inner) => problems(inner, path));
    return [{ path, code: 'UNION_TYPE_CHOICES', message: 'Value must be one of the known kinds.' }];
  }
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => ({ path: [...path, key], code: 'UNKNOWN_KEY', message: 'This key is not known.' }));
  }
  return [{ path, ...explain(issue) }];
}

function explain(issue: $ZodIssue): { code: string; message: string } {
  if (issue.code === 'too_big') {
    return { code: 'BASE_TYPE_MAX_LENGTH', message: `Must be ${issue.maximum} or fewer in length or value.` };
  }
  if (issue.code === 'too_small') {
    return { code: 'BASE_TYPE_MIN_LENGTH', message: `Must be ${issue.minimum} or more in length or value.` };
  }
  if (issue.code === 'invalid_type') {
    return { code: 'BASE_TYPE_REQUIRED', message: `This field must be given, as ${issue.expected}.` };
  }
  if (issue.code === 'invalid_value') {
    return { code: 'BASE_TYPE_CHOICES', message: `Value must be one of ${issue.values.map(String).join(', ')}.` };
  }
  return { code: 'BASE_TYPE_INVALID', message: 'This value is not valid here.' };
}
