import sharp from 'sharp';

/** What the workflow's own loader reads; an SVG for one is no picture to it. */
const FORMATS = new Set(['png', 'jpeg', 'webp', 'gif', 'heif', 'tiff']);

/** Says of each file of a form that is to be a picture and is none why not. */
export async function checkPictures(
  files: ReadonlyMap<string, { readonly bytes: Buffer }>,
): Promise<{ type: string; loc: string[]; msg: string }[]> {
  const complaints: { type: string; loc: string[]; msg: string }[] = [];
  for (const [key, { bytes }] of files) {
    if (!key.endsWith('-image')) continue;
    if (!(await isPicture(bytes))) {
      complaints.push({ type: 'value_error', loc: ['body', key], msg: 'Value error, cannot identify image file' });
    }
  }
  return complaints;
}

async function isPicture(bytes: Buffer): Promise<boolean> {
  try {
    const { format } = await sharp(bytes).metadata();
    return FORMATS.has(format);
  } catch {
    return false;
  }
}
