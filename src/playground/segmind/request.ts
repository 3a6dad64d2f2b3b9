import sharp from 'sharp';
import { z } from 'zod';

/** What a request asks for, with the page's own defaults where it does not say. */
export interface Wish {
  readonly face: Buffer;
  readonly pose: Buffer;
  readonly prompt: string;
  readonly base64: boolean;
  readonly samples: number;
  readonly seed: number;
  /** pixels; the picture's own size where absent */
  readonly size: { readonly width: number; readonly height: number } | undefined;
  readonly format: 'png' | 'jpeg' | 'webp';
  readonly quality: number;
}

/** A body that is not of this model's form; the message names the attribute. */
export class Complaint extends Error {
  override name = 'Complaint';
}

const Picture = z
  .base64({ error: 'is not the base64 of a picture' })
  .min(1)
  .transform((data) => Buffer.from(data, 'base64'));
const side = z.int().min(64).max(4096).default(1024);

/** https://www.segmind.com/models/consistent-character-with-pose/api: an attribute that is not there is refused here. */
const Body = z.strictObject({
  face_image: Picture,
  pose_image: Picture,
  prompt: z.string().min(1),
  base_64: z.boolean().default(true),
  custom_width: side,
  custom_height: side,
  use_input_img_dimension: z.boolean().default(true),
  output_format: z.enum(['png', 'jpeg', 'webp']).default('png'),
  quality: z.int().min(10).max(100).default(95),
  samples: z.int().min(1).max(4).default(1),
  seed: z.int().min(0).max(0xff_ff_ff_ff).default(2_778_725_438),
});

/** Pictures of more pixels than this are refused by the decoder. */
const MAX_PIXELS = 64_000_000;

/** @throws Complaint */
export async function readWish(text: string): Promise<Wish> {
  const parsed = Body.safeParse(parseJson(text));
  if (!parsed.success) {
    throw new Complaint(
      parsed.error.issues.map(({ path, message }) => [path.join('.'), message].filter(Boolean).join(': ')).join('; '),
    );
  }
  const body = parsed.data;
  for (const [name, bytes] of [
    ['face_image', body.face_image],
    ['pose_image', body.pose_image],
  ] as const) {
    if (!(await isPicture(bytes))) throw new Complaint(`${name}: cannot identify image file`);
  }
  return {
    face: body.face_image,
    pose: body.pose_image,
    prompt: body.prompt,
    base64: body.base_64,
    samples: body.samples,
    seed: body.seed,
    size: body.use_input_img_dimension ? undefined : { width: body.custom_width, height: body.custom_height },
    format: body.output_format,
    quality: body.quality,
  };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new Complaint('the body is not JSON', { cause: error });
  }
}

async function isPicture(bytes: Buffer): Promise<boolean> {
  try {
    const { format, width, height } = await sharp(bytes).metadata();
    return format !== 'svg' && width * height <= MAX_PIXELS;
  } catch {
    return false;
  }
}
