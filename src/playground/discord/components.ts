import {
  ButtonStyle,
  ComponentType,
  type APIComponentInContainer,
  type APIComponentInMessageActionRow,
  type APIMessageTopLevelComponent,
  type APISectionAccessoryComponent,
  type APITextDisplayComponent,
  type APIUnfurledMediaItem,
} from 'discord-api-types/v10';
import type { Problem } from './discord-error.ts';

export type MessageComponent =
  | APIMessageTopLevelComponent
  | APIComponentInContainer
  | APIComponentInMessageActionRow
  | APISectionAccessoryComponent
  | APITextDisplayComponent;

type Path = readonly (string | number)[];

export interface Placed<Value> {
  path: Path;
  value: Value;
}

// Components reference: at most 40 components in a message, nested ones counted, and 4000 characters of text in all.
const MOST_COMPONENTS = 40;
const MOST_TEXT = 4000;
const MOST_ROWS = 5;
// The schema's format is int32, from 0.
const LARGEST_ID = 2 ** 31 - 1;

/** Every component, outer ones first, with its place in the body. */
export function* walk(
  components: readonly MessageComponent[],
  path: Path = ['components'],
): Generator<Placed<MessageComponent>> {
  for (const [index, value] of components.entries()) {
    const here = [...path, index];
    yield { path: here, value };
    if ('components' in value) yield* walk(value.components, [...here, 'components']);
    if ('accessory' in value) yield { path: [...here, 'accessory'], value: value.accessory };
  }
}

/** Every media item that the components show. */
export function* mediaOf(components: readonly MessageComponent[]): Generator<Placed<APIUnfurledMediaItem>> {
  for (const { path, value } of walk(components)) {
    if (value.type === ComponentType.Thumbnail) yield { path: [...path, 'media'], value: value.media };
    if (value.type === ComponentType.File) yield { path: [...path, 'file'], value: value.file };
    if (value.type !== ComponentType.MediaGallery) continue;
    for (const [index, item] of value.items.entries()) {
      yield { path: [...path, 'items', index, 'media'], value: item.media };
    }
  }
}

export function textOf(components: readonly MessageComponent[]): string {
  const texts: string[] = [];
  for (const { value } of walk(components)) if (value.type === ComponentType.TextDisplay) texts.push(value.content);
  return texts.join('\n');
}

export function customIdOf(component: MessageComponent): string | undefined {
  return 'custom_id' in component ? component.custom_id : undefined;
}

/** What is wrong with a message's components beyond what the schema can say. */
export function componentProblems(components: readonly APIMessageTopLevelComponent[], v2: boolean): Problem[] {
  const problems: Problem[] = [];
  const all = [...walk(components)];
  if (!v2) problems.push(...legacyProblems(components));
  if (all.length > MOST_COMPONENTS) {
    problems.push(
      problem(
        ['components'],
        'COMPONENT_MAX_TOTAL_COMPONENTS_EXCEEDED',
        'The total number of components must be 40 or fewer.',
      ),
    );
  }
  if (textLength(all) > MOST_TEXT) {
    problems.push(
      problem(
        ['components'],
        'COMPONENT_DISPLAYABLE_TEXT_SIZE_EXCEEDED',
        'The texts must have 4000 characters or fewer in all.',
      ),
    );
  }
  const customIds = new Set<string>();
  const ids = new Set<number>();
  for (const { path, value } of all) {
    problems.push(...buttonProblems(path, value), ...selectProblems(path, value));
    // Unique within the message; 0 counts as none (components reference). The code's name is assumed.
    if (value.id && ids.has(value.id)) {
      problems.push(problem([...path, 'id'], 'COMPONENT_ID_DUPLICATED', 'Component id cannot be duplicated'));
    }
    if (value.id && value.id > LARGEST_ID) {
      problems.push(problem([...path, 'id'], 'NUMBER_TYPE_MAX', 'int value should be less than 2147483648.'));
    }
    if (value.id) ids.add(value.id);
    const customId = customIdOf(value);
    if (customId === undefined) continue;
    if (customIds.has(customId)) {
      problems.push(
        problem([...path, 'custom_id'], 'COMPONENT_CUSTOM_ID_DUPLICATED', 'Component custom id cannot be duplicated'),
      );
    }
    customIds.add(customId);
  }
  return problems;
}

function textLength(all: readonly Placed<MessageComponent>[]): number {
  let sum = 0;
  for (const { value } of all) if (value.type === ComponentType.TextDisplay) sum += value.content.length;
  return sum;
}

function legacyProblems(components: readonly APIMessageTopLevelComponent[]): Problem[] {
  const problems: Problem[] = [];
  if (components.length > MOST_ROWS) {
    problems.push(problem(['components'], 'BASE_TYPE_BAD_LENGTH', 'Must be between 1 and 5 in length.'));
  }
  for (const [index, component] of components.entries()) {
    if (component.type === ComponentType.ActionRow) continue;
    problems.push(
      problem(
        ['components', index, 'type'],
        'UNION_TYPE_CHOICES',
        'Without the IS_COMPONENTS_V2 flag this must be an action row (1).',
      ),
    );
  }
  return problems;
}

function buttonProblems(path: Path, component: MessageComponent): Problem[] {
  if (component.type !== ComponentType.Button) {
    if (component.type !== ComponentType.ActionRow || component.components.length === 1) return [];
    if (component.components.every((child) => child.type === ComponentType.Button)) return [];
    return [
      problem([...path, 'components'], 'COMPONENT_LAYOUT_WIDTH_EXCEEDED', 'A select menu needs a row of its own.'),
    ];
  }
  if (component.style === ButtonStyle.Premium) return [];
  const problems: Problem[] = [];
  const link = component.style === ButtonStyle.Link;
  if (link && !component.url) problems.push(problem([...path, 'url'], 'BASE_TYPE_REQUIRED', 'A url is required'));
  if (!link && !component.custom_id) {
    problems.push(problem([...path, 'custom_id'], 'BASE_TYPE_REQUIRED', 'A custom id is required'));
  }
  if (!component.label && !component.emoji) {
    problems.push(problem(path, 'BUTTON_COMPONENT_INVALID_LABEL', 'A button needs a label or an emoji'));
  }
  return problems;
}

function selectProblems(path: Path, component: MessageComponent): Problem[] {
  if (component.type !== ComponentType.StringSelect) return [];
  const problems: Problem[] = [];
  const values = component.options.map((option) => option.value);
  if (new Set(values).size < values.length) {
    problems.push(
      problem(
        [...path, 'options'],
        'SELECT_COMPONENT_OPTION_VALUE_DUPLICATED',
        'The specified option value is already used',
      ),
    );
  }
  if ((component.max_values ?? 1) > values.length) {
    problems.push(problem([...path, 'max_values'], 'BASE_TYPE_MAX_LENGTH', 'Must not be more than the options.'));
  }
  return problems;
}

function problem(path: Path, code: string, message: string): Problem {
  return { path, code, message };
}

/** A copy with every id set and every media item replaced; `media` gets the items in the order of `mediaOf`. */
export function finished(
  components: readonly APIMessageTopLevelComponent[],
  media: (item: APIUnfurledMediaItem) => APIUnfurledMediaItem,
  fileDetails: (item: APIUnfurledMediaItem) => { name?: string; size?: number } = () => ({}),
): APIMessageTopLevelComponent[] {
  const used = new Set<number>();
  for (const { value } of walk(components)) if (value.id) used.add(value.id);
  let last = 0;

  function idOf(component: MessageComponent): number {
    if (component.id) return component.id;
    do last += 1;
    while (used.has(last));
    return last;
  }

  function accessory(component: APISectionAccessoryComponent): APISectionAccessoryComponent {
    if (component.type === ComponentType.Thumbnail) {
      return { ...component, id: idOf(component), media: media(component.media) };
    }
    return { ...component, id: idOf(component) };
  }

  function inside(component: APIComponentInContainer): APIComponentInContainer {
    const id = idOf(component);
    switch (component.type) {
      case ComponentType.ActionRow:
        return { ...component, id, components: component.components.map((child) => ({ ...child, id: idOf(child) })) };
      case ComponentType.Section:
        return {
          ...component,
          id,
          components: component.components.map((child) => ({ ...child, id: idOf(child) })),
          accessory: accessory(component.accessory),
        };
      case ComponentType.MediaGallery:
        return { ...component, id, items: component.items.map((item) => ({ ...item, media: media(item.media) })) };
      case ComponentType.File:
        return { ...component, id, file: media(component.file), ...fileDetails(component.file) };
      case ComponentType.Separator:
      case ComponentType.TextDisplay:
        return { ...component, id };
    }
  }

  return components.map((component) => {
    if (component.type !== ComponentType.Container) return inside(component);
    return { ...component, id: idOf(component), components: component.components.map(inside) };
  });
}
