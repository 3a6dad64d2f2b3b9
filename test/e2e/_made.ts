import sharp from 'sharp';
import { drawFlatFilm } from '../../src/playground/drawing/film.ts';
import { drawSound } from '../../src/playground/drawing/sound.ts';
import type { Option, ParameterValue, Recipe } from '../../src/recipes/recipe.ts';
import type { Person, Picture } from './person.ts';

/** Somebody who answers everything that a recipe asks, and what has to be sent then. */

export interface Answered {
  /** with the command */
  readonly given: Readonly<Record<string, string | Picture>>;
  /** in the modal */
  readonly typed: Readonly<Record<string, string>>;
  readonly params: Readonly<Record<string, ParameterValue>>;
  /** media types by parameter key */
  readonly files: Readonly<Record<string, string>>;
}

/** Another answer to every option than its default. */
export async function answerEverything({ options }: Pick<Recipe, 'options'>): Promise<Answered> {
  const given: Record<string, string | Picture> = {};
  const typed: Record<string, string> = {};
  const params: Record<string, ParameterValue> = {};
  const files: Record<string, string> = {};
  for (const [name, option] of Object.entries(options)) {
    const file = await fileFor(name, option);
    if (file) {
      given[name] = file;
      for (const key of option.parameters) files[key] = isChanged(name, options) ? 'image/png' : (file.mediaType ?? '');
      continue;
    }
    const [said, sent] = answerTo(name, option);
    if (option.kind === 'long-text') typed[name] = said;
    else given[name] = said;
    for (const key of option.parameters) params[key] = sent;
  }
  return { given, typed, params, files };
}

/** Calls the command, and fills in the modal where one opens. @returns the message that is the answer */
export async function useCommand(person: Person, command: string, { given, typed }: Answered) {
  const interaction = await person.call(command, given);
  const last = Object.keys(typed).length > 0 ? await person.submitModal(interaction, typed) : interaction;
  return await person.answer(last);
}

/** What is said, and what it becomes. */
function answerTo(name: string, option: Option): [said: string, sent: ParameterValue] {
  switch (option.kind) {
    case 'integer':
    case 'number': {
      const value = option.default === option.max ? option.min : option.max;
      return [String(value), value];
    }
    case 'choice': {
      const [shown = '', value = ''] =
        Object.entries(option.choices).findLast(([shown]) => shown !== option.default) ?? [];
      return [shown, value];
    }
    case 'switch':
      return [String(!option.default), !option.default];
    case 'seed':
      return ['42', 42];
    default: {
      const words = `Words for ${name}: “a red kite” \\ ${option.kind === 'long-text' ? 'on\ntwo lines' : '日本'}`;
      return [words, words];
    }
  }
}

async function fileFor(name: string, { kind }: Option): Promise<Picture | undefined> {
  switch (kind) {
    case 'picture':
      return picture(`${name}.jpg`, 'image/jpeg', await sharp(SCENE).jpeg().toBuffer());
    case 'mask':
      return picture(`${name}.png`, 'image/png', await sharp(SPOT).png().toBuffer());
    case 'video':
      return picture(`${name}.webm`, 'video/webm', await drawFlatFilm(1));
    case 'audio':
      return picture(`${name}.wav`, 'audio/wav', drawSound(1));
    default:
      return undefined;
  }
}

/** Masks are made anew, and so is a picture whose mask becomes its transparency; everything else is what it was. */
function isChanged(name: string, options: Recipe['options']): boolean {
  const masks = Object.values(options).filter((option) => option.kind === 'mask');
  return options[name]?.kind === 'mask' || masks.some(({ of, parameters }) => of === name && parameters.length === 0);
}

function picture(name: string, mediaType: string, bytes: Buffer): Picture {
  return { name, mediaType, bytes: Uint8Array.from(bytes) };
}

const drawing = (ground: string, spot: string) =>
  Buffer.from(
    `<svg xmlns="http://www.w3.org/2000/svg" width="300" height="200"><rect width="300" height="200" fill="${ground}"/><circle cx="150" cy="100" r="60" fill="${spot}"/></svg>`,
  );
const SCENE = drawing('#345', '#d95');
const SPOT = drawing('#000', '#fff');
