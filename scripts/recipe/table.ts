import type { Option, Recipe } from '../../src/recipes/recipe.ts';
import { oneLine, shorten } from './names.ts';

/** What a person will be asked, a line an option, in the order in which Discord shows it. */
export function optionTable({ name, description, options }: Recipe): string {
  const rows = [
    ['option', 'kind', 'required', 'default', 'parameters'],
    ...Object.entries(options).map(([name, option]) => [
      name,
      kindOf(option),
      option.required ? 'yes' : '',
      defaultOf(option),
      option.kind === 'mask' && option.of !== undefined && option.parameters.length === 0
        ? `those of ${option.of}`
        : option.parameters.length > 3
          ? oneLine(`${option.parameters.slice(0, 2).join(', ')} and ${option.parameters.length - 2} more`)
          : oneLine(option.parameters.join(', ')),
    ]),
  ];
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  const lines = rows.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd(),
  );
  return `/${name}: ${description}\n${lines.join('\n')}\n`;
}

function kindOf(option: Option): string {
  switch (option.kind) {
    case 'integer':
    case 'number':
      return `${option.kind} ${option.min} to ${option.max}`;
    case 'choice':
      return `choice of ${Object.keys(option.choices).length}`;
    case 'mask':
      return option.of === undefined ? 'mask' : `mask of ${option.of}`;
    default:
      return option.kind;
  }
}

function defaultOf(option: Option): string {
  if (option.kind === 'seed') return 'random';
  if (!('default' in option) || option.default === undefined || option.default instanceof URL) return '';
  return shorten(JSON.stringify(option.default), 40);
}
