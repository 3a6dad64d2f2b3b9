import {
  ButtonStyle,
  ComponentType,
  type APIComponentInContainer,
  type APIContainerComponent,
  type APIMessageTopLevelComponent,
} from 'discord-api-types/v10';
import { customId, type ButtonAction } from './custom-id.ts';
import type { OutgoingFile } from './port.ts';

/** What messages are made of, in Discord's terms; what is `false` is left out. */
export type Part = APIComponentInContainer | false;

export interface Button {
  readonly type: ComponentType.Button;
  readonly style: ButtonStyle.Primary | ButtonStyle.Secondary;
  readonly label: string;
  readonly custom_id: string;
}

interface ButtonDetails {
  readonly from?: number;
  readonly bytes?: number;
  readonly style?: Button['style'];
}

export function container(colour: number, parts: readonly Part[]): APIContainerComponent {
  const components = parts.filter((part) => part !== false);
  return { type: ComponentType.Container, accent_color: colour, components };
}

/** Lines of text in one block; what is empty is left out. */
export function line(...lines: readonly string[]) {
  return { type: ComponentType.TextDisplay as const, content: lines.filter((part) => part !== '').join('\n') };
}

export function button(label: string, action: ButtonAction, job: string, details: ButtonDetails = {}): Button {
  const { from, bytes, style = ButtonStyle.Secondary } = details;
  return { type: ComponentType.Button, style, label, custom_id: customId(action, job, from, bytes) };
}

/** A row of those that are there; none where there are none. */
export function buttons(given: readonly (Button | false)[]) {
  const components = given.filter((one) => one !== false);
  return components.length > 0 && { type: ComponentType.ActionRow as const, components };
}

/** What Discord's own pages and apps show or play; of other pictures and videos a gallery would show nothing. */
const IN_GALLERIES = /^(?:image\/(?:png|jpeg|gif|webp|avif)|video\/(?:mp4|webm|quicktime))$/;

/** What Discord can show goes into a gallery, texts below it, and everything else is a file to download. */
export function shownFiles(files: readonly OutgoingFile[], texts: readonly string[] = []) {
  const shown = files.filter(({ mediaType }) => IN_GALLERIES.test(mediaType));
  const others = files.filter((file) => !shown.includes(file));
  const items = shown.map(({ name, description }) => ({ media: { url: `attachment://${name}` }, description }));
  return [
    ...(items.length > 0 ? [{ type: ComponentType.MediaGallery as const, items }] : []),
    ...texts.map((words) => line(words)),
    ...others.map(({ name }) => ({ type: ComponentType.File as const, file: { url: `attachment://${name}` } })),
  ] satisfies APIMessageTopLevelComponent[];
}
