import { z } from 'zod';
import {
  MOST_IN_CHOICE,
  MOST_IN_DESCRIPTION,
  MOST_IN_LONG_TEXT,
  MOST_IN_MESSAGE,
  MOST_IN_TEXT,
  NAME,
  NAME_WORDS,
} from './limits.ts';
import { BACKEND_KINDS, type Recipe } from './recipe.ts';
import { isParameterKey } from './workflow.ts';
import { Graph } from './workflow-file.ts';

/**
 * A recipe as it is written down: as the default export of a file of `commands/`, or as JSON beside the jobs that began
 * with it.
 */

const Name = z.string().regex(NAME, `must be ${NAME_WORDS}`);
const Description = z
  .string()
  .min(1)
  .max(MOST_IN_DESCRIPTION, `is longer than the ${MOST_IN_DESCRIPTION} characters Discord allows`);
/** JSON has it as text. */
const Address = z.union([z.instanceof(URL), z.url().transform((href) => new URL(href))]);
const ParameterKey = z.string().refine(isParameterKey, 'must look like 594-inputs-string');
const Value = z.union([z.string(), z.number(), z.boolean()]);
const base = {
  description: Description,
  required: z.boolean().exactOptional(),
  parameters: z.array(ParameterKey),
  message: z.string().min(1).max(MOST_IN_MESSAGE).exactOptional(),
};

const RecipeOption = z.discriminatedUnion('kind', [
  z.object({
    ...base,
    kind: z.literal('text'),
    default: z.string().exactOptional(),
    maxLength: z.int().min(1).max(MOST_IN_TEXT).exactOptional(),
  }),
  z.object({
    ...base,
    kind: z.literal('long-text'),
    default: z.string().max(MOST_IN_LONG_TEXT).exactOptional(),
    maxLength: z.int().min(1).max(MOST_IN_LONG_TEXT).exactOptional(),
  }),
  z.object({
    ...base,
    kind: z.enum(['integer', 'number']),
    min: z.number(),
    max: z.number(),
    default: z.number().exactOptional(),
  }),
  z.object({
    ...base,
    kind: z.literal('choice'),
    choices: z.record(z.string().min(1).max(MOST_IN_CHOICE), Value),
    default: z.string().exactOptional(),
  }),
  z.object({ ...base, kind: z.literal('switch'), default: z.boolean().exactOptional() }),
  z.object({
    ...base,
    kind: z.literal('picture'),
    default: Address.exactOptional(),
    maxSide: z.int().min(64).max(16_384),
  }),
  z.object({ ...base, kind: z.literal('mask'), of: Name.exactOptional() }),
  z.object({ ...base, kind: z.enum(['video', 'audio']), default: Address.exactOptional() }),
  z.object({ ...base, kind: z.literal('seed') }),
]);

const OutputName = z.union([z.string().min(1), z.object({ node: z.string().min(1) })]);
const Id = z.string().regex(/^\d{17,20}$/, 'must be an id of Discord: 17 to 20 digits');

/** Every field that a recipe has; one that is not named here is dropped. */
export const RecipeFile = z.object({
  name: Name,
  description: Description,
  options: z.record(Name, RecipeOption),
  timeouts: z.object({ idleMs: z.int().min(1000), totalMs: z.int().min(1000) }).exactOptional(),
  workflow: z
    .object({
      graph: Graph,
      parameters: z.record(Name, z.array(ParameterKey)).exactOptional(),
      always: z.boolean().exactOptional(),
    })
    .exactOptional(),
  outputs: z.object({ main: z.array(OutputName), hidden: z.array(OutputName).exactOptional() }),
  estimate: z
    .object({ seconds: z.number().positive().exactOptional(), cost: z.string().min(1).max(60).exactOptional() })
    .exactOptional(),
  backends: z.array(z.enum(BACKEND_KINDS)).min(1).exactOptional(),
  nsfw: z.boolean().exactOptional(),
  access: z
    .object({
      servers: z.array(Id).min(1).exactOptional(),
      roles: z.array(Id).min(1).exactOptional(),
      users: z.array(Id).min(1).exactOptional(),
      permission: z.string().exactOptional(),
    })
    .exactOptional(),
}) satisfies z.ZodType<Recipe>;
