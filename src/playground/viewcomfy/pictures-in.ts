import sharp from 'sharp';

import type { FormFile } from './form.ts';
import type { Complaint } from './refusal.ts';

/** What the workflow's own loader reads; an SVG for one is no picture to it. */
const FORMATS = new Set(['png', 'jpeg', 'webp', 'gif', 'heif', 'tiff']);
/** What the loader's decoder still takes; more pixels are a bomb to it. */
const MAX_PIXELS = 64_000_000;

/** Whether the input with this key takes a picture. */
export function isPictureKey(key: string): boolean {
  return key.endsWith('-image');
}

/** Says of each file of a form that is to be a picture and is none why not. */
export async function checkPictures(files: ReadonlyMap<string, FormFile>): Promise<Complaint[]> {
  const complaints: Complaint[] = [];
  for (const [key, { bytes }] of files) {
    if (isPictureKey(key) && !(await isPicture(bytes))) {
      complaints.push({ type: 'value_error', loc: ['body', key], msg: 'Value error, cannot identify image file' });
    }
  }
  return complaints;
}

async function isPicture(bytes: Buffer): Promise<boolean> {
  try {
    const { format, width, height } = await sharp(bytes).metadata();
    return FORMATS.has(format) && width * height <= MAX_PIXELS;
  } catch {
    return false;
  }
}
