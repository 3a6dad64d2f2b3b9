import { z } from 'zod';
import type { Recipe } from './recipe.ts';
import { Graph } from './workflow-file.ts';

/**
 * A recipe as it is written down: as the default export of a file of `commands/`, or as JSON beside the jobs that began
 * with it.
 */

/** Of one option (application-commands.mdx). */
const MAX_CHOICES = 25;

/** What Discord allows as a name, of what needs no other alphabet. */
const Name = z.string().regex(/^[a-z0-9_-]{1,32}$/, 'must be 1 to 32 of a-z, 0-9, _ and -');
const Description = z.string().min(1).max(100, 'is longer than the 100 characters Discord allows');
/** JSON has it as text. */
const Address = z.union([z.instanceof(URL), z.url().transform((href) => new URL(href))]);
const ParameterKey = z.string().regex(/^[^-]+-inputs-.+$/, 'must look like 594-inputs-string');
const base = {
  description: Description,
  required: z.boolean().exactOptional(),
  parameters: z.array(ParameterKey).min(1),
};

const RecipeOption = z.discriminatedUnion('kind', [
  z.object({
    ...base,
    kind: z.literal('text'),
    default: z.string().exactOptional(),
    maxLength: z.int().min(1).max(6000).exactOptional(),
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
    choices: z
      .record(z.string().max(100), z.string().max(100))
      .refine(
        (choices) => Object.keys(choices).length <= MAX_CHOICES,
        `are more than the ${MAX_CHOICES} Discord allows`,
      ),
    default: z.string().exactOptional(),
  }),
  z.object({ ...base, kind: z.literal('switch'), default: z.boolean().exactOptional() }),
  z.object({
    ...base,
    kind: z.literal('picture'),
    default: Address.exactOptional(),
    maxSide: z.int().min(64).max(16_384),
  }),
  z.object({ ...base, kind: z.literal('seed') }),
]);

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
  outputs: z.object({ main: z.array(z.string()) }),
}) satisfies z.ZodType<Recipe>;
