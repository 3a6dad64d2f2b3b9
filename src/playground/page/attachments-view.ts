import { html, nothing, type TemplateResult } from 'lit';
import type { APIAttachment } from 'discord-api-types/v10';
import './gallery.ts';
import { downloadIcon, fileIcon, soundIcon } from './icons.ts';
import { fileNameOf, formatSize, kindOf, reachable, type Media } from './media.ts';

interface ShownFile {
  readonly name: string;
  readonly mediaType: string | undefined;
  readonly size: number | undefined;
  readonly url: string;
  readonly spoiler: boolean;
}

/** A file to download, which can be heard where it is a sound. */
export function fileView({ name, mediaType, size, url, spoiler }: ShownFile): TemplateResult {
  const href = reachable(url);
  const isSound = kindOf(mediaType, fileNameOf(url)) === 'sound';
  const card = html`<div class="file">
    ${isSound ? soundIcon : fileIcon}
    <div class="file-text">
      <a href=${href || nothing} download=${name}>${name}</a>
      ${size === undefined ? nothing : html`<small>${formatSize(size)}</small>`}
    </div>
    <a class="icon-button" href=${href || nothing} download=${name} aria-label="Download ${name}">${downloadIcon}</a>
    ${isSound ? html`<audio src=${href || nothing} aria-label=${name} controls preload="metadata"></audio>` : nothing}
  </div>`;
  return spoiler ? html`<spoiler-text class="block" .content=${card}></spoiler-text>` : card;
}

/** The files of a message that has no components V2: pictures and films together in a gallery, then the others. */
export function attachmentsView(attachments: readonly APIAttachment[]): TemplateResult | typeof nothing {
  if (attachments.length === 0) return nothing;
  const pictures: Media[] = [];
  const files: ShownFile[] = [];
  for (const { url, filename, description, content_type: mediaType, size, width, height } of attachments) {
    const kind = kindOf(mediaType, filename);
    // Discord marks a spoiler of this kind by the file's name.
    const spoiler = filename.startsWith('SPOILER_');
    if (kind === 'file' || kind === 'sound') files.push({ name: filename, mediaType, size, url, spoiler });
    else {
      pictures.push({
        url,
        alt: description ?? '',
        spoiler,
        kind,
        width: width ?? undefined,
        height: height ?? undefined,
      });
    }
  }
  return html`${pictures.length > 0 ? html`<media-gallery .items=${pictures}></media-gallery>` : nothing}
  ${files.map(fileView)}`;
}
