import {
  ApplicationCommandOptionType,
  ApplicationCommandType,
  ApplicationIntegrationType,
} from 'discord-api-types/v10';
import { z } from 'zod';

/** What Discord has of the commands, compared with what it is to have: in lines for whoever runs the bot. */

const Words = z
  .record(z.string(), z.string())
  .nullish()
  .transform((words) => words ?? {});
const flag = z
  .boolean()
  .nullish()
  .transform((value) => value ?? false);
const numbers = z
  .array(z.number())
  .nullish()
  .transform((values) => values?.toSorted((a, b) => a - b));
const bound = z
  .number()
  .nullish()
  .transform((value) => value ?? undefined);

/** A type that Discord tells may be one that was not yet there when its list was written. */
const CHAT_INPUT: number = ApplicationCommandType.ChatInput;

/** As Discord answers it and as it is sent, with the same defaults in the place of what is left out. */
const Option = z.object({
  type: z.number(),
  name: z.string(),
  description: z.string(),
  name_localizations: Words,
  description_localizations: Words,
  required: flag,
  autocomplete: flag,
  min_value: bound,
  max_value: bound,
  min_length: bound,
  max_length: bound,
  choices: z
    .array(z.object({ name: z.string(), value: z.union([z.string(), z.number()]), name_localizations: Words }))
    .nullish()
    .transform((choices) => choices ?? []),
});
const Command = z.object({
  type: z
    .number()
    .nullish()
    .transform((type) => type ?? CHAT_INPUT),
  name: z.string(),
  description: z.string(),
  name_localizations: Words,
  description_localizations: Words,
  nsfw: flag,
  default_member_permissions: z
    .string()
    .nullish()
    .transform((bits) => bits ?? undefined),
  contexts: numbers,
  integration_types: numbers.transform((types) => types ?? [ApplicationIntegrationType.GuildInstall]),
  options: z
    .array(Option)
    .nullish()
    .transform((options) => options ?? []),
});
type Option = z.infer<typeof Option>;
type Command = z.infer<typeof Command>;

/** What people call the fields; the order in which they are told. */
const COMMAND_FIELDS = {
  description: 'description',
  name_localizations: 'names in other languages',
  description_localizations: 'descriptions in other languages',
  nsfw: 'only for adults',
  default_member_permissions: 'permissions it wants',
} as const;
/** A server's own commands have neither. */
const GLOBAL_FIELDS = { contexts: 'where it is shown', integration_types: 'how it is installed' } as const;
const OPTION_FIELDS = {
  type: 'type',
  description: 'description',
  name_localizations: 'names in other languages',
  description_localizations: 'descriptions in other languages',
  required: 'required',
  min_value: 'least',
  max_value: 'most',
  min_length: 'fewest characters',
  max_length: 'most characters',
  autocomplete: 'suggests while one types',
} as const;

/** @param scope a server's own commands, or those that are everywhere
 *  @returns a line for each difference; none where nothing would change */
export function commandChanges(registered: unknown, wanted: unknown, scope: 'global' | 'guild'): string[] {
  const before = new Map(
    z
      .array(Command)
      .parse(registered)
      .map((command) => [keyOf(command), command]),
  );
  const after = new Map(
    z
      .array(Command)
      .parse(wanted)
      .map((command) => [keyOf(command), command]),
  );
  return [
    ...[...after.values()].flatMap((command) => {
      const old = before.get(keyOf(command));
      if (!old) return [`+ ${titleOf(command)}  ${command.description}`];
      return differences(old, command, scope).map((difference) => `~ ${titleOf(command)}  ${difference}`);
    }),
    ...[...before.values()]
      .filter((command) => !after.has(keyOf(command)))
      .map((command) => `- ${titleOf(command)}  goes away`),
  ].map(printable);
}

function keyOf({ type, name }: Command): string {
  return `${type} ${name}`;
}

/** Those of the other types are in menus, and have no slash. */
function titleOf({ type, name }: Command): string {
  return type === CHAT_INPUT ? `/${name}` : JSON.stringify(name);
}

function differences(old: Command, command: Command, scope: 'global' | 'guild'): string[] {
  return [
    ...fieldDifferences(old, command, COMMAND_FIELDS),
    ...(scope === 'global' ? fieldDifferences(old, command, GLOBAL_FIELDS) : []),
    ...optionDifferences(old.options, command.options),
  ];
}

function optionDifferences(before: readonly Option[], after: readonly Option[]): string[] {
  const lines: string[] = [];
  for (const option of after) {
    const old = before.find(({ name }) => name === option.name);
    if (!old) lines.push(`option ${option.name}: new`);
    else {
      const found = [...fieldDifferences(old, option, OPTION_FIELDS), ...choiceDifferences(old, option)];
      lines.push(...found.map((difference) => `option ${option.name}: ${difference}`));
    }
  }
  const gone = before.filter(({ name }) => !after.some((option) => option.name === name));
  lines.push(...gone.map(({ name }) => `option ${name}: goes away`));
  const [oldOrder, order] = [namesIn(before, after), namesIn(after, before)];
  if (oldOrder !== order) lines.push(`options in another order: ${order}`);
  return lines;
}

/** In their order, those that both have. */
function namesIn(options: readonly Option[], others: readonly Option[]): string {
  const names = options.map(({ name }) => name);
  return names.filter((name) => others.some((other) => other.name === name)).join(', ');
}

function choiceDifferences({ choices: before }: Option, { choices: after }: Option): string[] {
  if (JSON.stringify(before) === JSON.stringify(after)) return [];
  const [added, gone] = [namesBeyond(after, before), namesBeyond(before, after)];
  if (added === '' && gone === '') return ['choices in another order or with other values'];
  return [...(added === '' ? [] : [`new choices ${added}`]), ...(gone === '' ? [] : [`without the choices ${gone}`])];
}

function namesBeyond(choices: Option['choices'], others: Option['choices']): string {
  return choices
    .map(({ name }) => name)
    .filter((name) => !others.some((other) => other.name === name))
    .join(', ');
}

function fieldDifferences(old: object, value: object, fields: Readonly<Record<string, string>>): string[] {
  const [before, after] = [new Map(Object.entries(old)), new Map(Object.entries(value))];
  return Object.entries(fields)
    .filter(([field]) => shown(field, before.get(field)) !== shown(field, after.get(field)))
    .map(([field, title]) => `${title} ${shown(field, before.get(field))} → ${shown(field, after.get(field))}`);
}

/** The order of words in other languages says nothing. */
function shown(field: string, value: unknown): string {
  if (field === 'type' && typeof value === 'number') return ApplicationCommandOptionType[value] ?? String(value);
  if (value === undefined) return 'none';
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
    return JSON.stringify(Object.fromEntries(Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1))));
  }
  return JSON.stringify(value);
}

/** What a terminal obeys is left out, and what is long is cut. */
function printable(line: string): string {
  const clean = line.replaceAll(/\p{Cc}+/gu, ' ');
  return clean.length > MOST_CHARACTERS ? `${clean.slice(0, MOST_CHARACTERS - 1)}…` : clean;
}

/** Two descriptions and what is around them. */
const MOST_CHARACTERS = 300;
