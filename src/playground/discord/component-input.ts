import {
  ComponentType,
  type APIComponentInLabel,
  type APIFileUploadComponent,
  type APIModalInteractionResponseCallbackData,
  type APISelectMenuComponent,
} from 'discord-api-types/v10';
import type { Attachments, UploadedFile } from './attachments.ts';
import { resolveUser, uploadLimit, type Resolved } from './command-input.ts';
import { customIdOf, walk, type MessageComponent } from './components.ts';
import type { Message } from './messages.ts';
import { PersonError } from './person-error.ts';
import type { Person, Place, World } from './world.ts';

/** The data of a component interaction: the button or select of a message, used as a Discord client lets people use it. */
export function componentData(
  message: Message,
  customId: string,
  values: readonly string[] | undefined,
  world: World,
): object {
  for (const { value: component } of walk(message.components)) {
    if (customIdOf(component) !== customId) continue;
    if ('disabled' in component && component.disabled) throw new PersonError('This component is disabled.');
    const { type } = component;
    if (type === ComponentType.Button) return { component_type: type, custom_id: customId, id: component.id };
    if (!isSelect(component)) break;
    const { min_values: least = 1, max_values: most = 1 } = component;
    const chosen = values ?? [];
    if (chosen.length < least || chosen.length > most) throw new PersonError(`Choose ${least} to ${most} values.`);
    if (type === ComponentType.StringSelect) {
      const unknown = chosen.find((value) => !component.options.some((option) => option.value === value));
      if (unknown !== undefined) throw new PersonError(`${unknown} is not among the options.`);
    }
    return {
      component_type: type,
      custom_id: customId,
      id: component.id,
      values: [...chosen],
      ...resolvedValues(type, chosen, message.place, world),
    };
  }
  throw new PersonError('The message has no such component.', 404);
}

function isSelect(component: MessageComponent): component is APISelectMenuComponent {
  const { type } = component;
  return (
    type === ComponentType.StringSelect || (type >= ComponentType.UserSelect && type <= ComponentType.ChannelSelect)
  );
}

function resolvedValues(type: ComponentType, values: readonly string[], place: Place, world: World): object {
  if (type !== ComponentType.UserSelect && type !== ComponentType.MentionableSelect) return {};
  const resolved: Resolved = {};
  for (const value of values) {
    const person = world.people().find(({ user }) => user.id === value);
    if (!person) throw new PersonError(`There is nobody with the id ${value}.`);
    resolveUser(world, person, place, resolved);
  }
  return { resolved };
}

export interface ModalInput {
  person: Person;
  place: Place;
  /** by custom id; a list for selects and checkbox groups */
  fields: Readonly<Record<string, string | boolean | readonly string[]>>;
  uploads: readonly UploadedFile[];
}

/** The data of a modal's submit interaction, checked as a Discord client does. */
export async function modalData(
  modal: APIModalInteractionResponseCallbackData,
  input: ModalInput,
  attachments: Attachments,
  applicationId: string,
): Promise<object> {
  const files: NonNullable<Resolved['attachments']> = {};
  let id = 0;
  const components: object[] = [];
  const known = new Set<string>();

  async function filled(part: APIComponentInLabel) {
    known.add(part.custom_id);
    id += 1;
    const base = { type: part.type, id: part.id ?? id, custom_id: part.custom_id };
    if (part.type === ComponentType.FileUpload) return { ...base, values: await upload(part) };
    const given = input.fields[part.custom_id];
    if (part.type === ComponentType.TextInput) return { ...base, value: textValue(part, given) };
    if (part.type === ComponentType.Checkbox) return { ...base, value: given === true || given === 'true' };
    const values =
      given === undefined || typeof given === 'boolean' ? [] : typeof given === 'string' ? [given] : [...given];
    const options = 'options' in part ? part.options : undefined;
    const unknown = values.find((value) => options && !options.some((option) => option.value === value));
    if (unknown !== undefined) throw new PersonError(`${unknown} is not among the options.`);
    if (values.length === 0 && part.required !== false) throw new PersonError(`${part.custom_id} is required.`);
    return part.type === ComponentType.RadioGroup ? { ...base, value: values[0] ?? null } : { ...base, values };
  }

  async function upload(part: APIFileUploadComponent): Promise<string[]> {
    const given = input.uploads.filter(({ field }) => field === part.custom_id);
    const least = part.required === false && given.length === 0 ? 0 : (part.min_values ?? 1);
    const most = part.max_values ?? 1;
    if (given.length < least || given.length > most) {
      throw new PersonError(`${part.custom_id} takes ${least} to ${most} files.`);
    }
    const ids: string[] = [];
    for (const file of given) {
      if (file.bytes.length > uploadLimit(input.person, input.place)) {
        throw new PersonError(`${file.name} is too large for Discord.`, 413);
      }
      const stored = await attachments.keep(file, `ephemeral-attachments/${applicationId}`);
      files[stored.id] = attachments.describe(stored);
      ids.push(stored.id);
    }
    return ids;
  }

  for (const part of modal.components) {
    id += 1;
    const own = { type: part.type, id: part.id ?? id };
    if (part.type === ComponentType.ActionRow) {
      components.push({ ...own, components: await Promise.all(part.components.map(filled)) });
    } else if (part.type === ComponentType.Label) {
      components.push({ ...own, component: await filled(part.component) });
    } else if (part.type === ComponentType.TextDisplay) components.push(own);
    else throw new PersonError('This modal has a component outside of a label.', 500);
  }
  for (const name of [...Object.keys(input.fields), ...input.uploads.map(({ field }) => field)]) {
    if (!known.has(name)) throw new PersonError(`The modal has no field ${name}.`);
  }
  return {
    custom_id: modal.custom_id,
    components,
    ...(Object.keys(files).length > 0 ? { resolved: { attachments: files } } : {}),
  };
}

function textValue(
  part: {
    custom_id: string;

    required?: boolean;
    min_length?: number;
    max_length?: number;
    value?: string;
  },
  given: unknown,
): string {
  const text = typeof given === 'string' ? given : (part.value ?? '');
  if (text === '' && part.required === false) return '';
  if (text === '') throw new PersonError(`${part.custom_id} is required.`);
  const { min_length: least = 0, max_length: most = 4000 } = part;
  if (text.length < least || text.length > most) {
    throw new PersonError(`${part.custom_id} must have ${least} to ${most} characters.`);
  }
  return text;
}
