/** A picture or film of a message, whatever part of the message it stands in. */
export interface Media {
  readonly url: string;
  readonly alt: string;
  readonly spoiler: boolean;
  readonly kind: 'picture' | 'film';
  readonly width: number | undefined;
  readonly height: number | undefined;
}

/**
 * The address under which this page may load a file of the playground: it was told under one name of this machine
 * (127.0.0.1) while the page may have been opened under another (localhost).
 */
export function reachable(url: string): string {
  if (!URL.canParse(url, location.href)) return '';
  const parsed = new URL(url, location.href);
  const local = ['127.0.0.1', 'localhost', '[::1]'].includes(parsed.hostname);
  if (local && parsed.port === location.port) return location.origin + parsed.pathname + parsed.search;
  return parsed.protocol === 'http:' || parsed.protocol === 'https:' ? parsed.href : '';
}

/** As Discord writes sizes: 1024-based, two places at most. */
export function formatSize(bytes: number): string {
  if (bytes < 1024) return `${bytes} bytes`;
  const units = ['KB', 'MB', 'GB'];
  let size = bytes / 1024;
  let unit = 0;
  while (size >= 1024 && unit < units.length - 1) {
    size /= 1024;
    unit += 1;
  }
  return `${size.toFixed(2).replace(/\.?0+$/, '')} ${units[unit] ?? ''}`;
}

export function fileNameOf(url: string): string {
  const last =
    url
      .replace(/[?#].*$/s, '')
      .split('/')
      .at(-1) ?? '';
  try {
    return decodeURIComponent(last);
  } catch {
    return last;
  }
}

export type MediaKind = 'picture' | 'film' | 'sound' | 'file';

/** By media type where it is known, by the name where it is not. */
export function kindOf(mediaType: string | null | undefined, name: string): MediaKind {
  if (mediaType?.startsWith('image/') === true) return 'picture';
  if (mediaType?.startsWith('video/') === true) return 'film';
  if (mediaType?.startsWith('audio/') === true) return 'sound';
  if (mediaType !== undefined && mediaType !== null && mediaType !== '') return 'file';
  if (/\.(png|jpe?g|webp|gif|avif)$/i.test(name)) return 'picture';
  if (/\.(mp4|webm|mov)$/i.test(name)) return 'film';
  return /\.(mp3|wav|flac|ogg|opus|m4a)$/i.test(name) ? 'sound' : 'file';
}

/** As players write it: minutes and seconds. */
export function formatTime(seconds: number): string {
  const whole = Math.round(seconds);
  return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, '0')}`;
}

/** For the property `.style`: the content security policy forbids the attribute. */
export function accentStyle(colour: number | null | undefined): string {
  return typeof colour === 'number' ? `--accent: #${colour.toString(16).padStart(6, '0')}` : '';
}
