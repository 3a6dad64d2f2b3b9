import sharp from 'sharp';

/** The person (or cat, or robot) of the character picture, cut out of it as well as one can without a model. */
export interface Subject {
  /** raw RGBA, upright */
  readonly cutOut: Buffer;
  /** the same picture with its own background, raw RGB */
  readonly whole: Buffer;
  readonly width: number;
  readonly height: number;
  /** the picture's upper edge cuts the subject off, as it does in most close portraits */
  readonly touchesTop: boolean;
  /** a square around the head, in pixels of the above */
  readonly head: { readonly left: number; readonly top: number; readonly side: number };
}

/** Sides of the small picture on which background and subject are told apart. */
const GRID = 192;
/** Pictures of more pixels than this are refused by the decoder. */
export const MAX_PIXELS = 64_000_000;

/** @param longest the longest side that what is drawn from it can use */
export async function cutOutSubject(picture: Buffer, longest: number): Promise<Subject> {
  const source = sharp(picture, { limitInputPixels: MAX_PIXELS });
  const { autoOrient } = await source.metadata();
  const factor = longest / Math.max(autoOrient.width, autoOrient.height);
  // No narrower than one to three: of a longer strip only the middle is used.
  const [least, most] = [Math.ceil(longest / 3), longest];
  const upright = await source
    .rotate()
    .resize(
      clamp(Math.round(autoOrient.width * factor), least, most),
      clamp(Math.round(autoOrient.height * factor), least, most),
    )
    .toColourspace('srgb')
    .ensureAlpha()
    .raw()
    .toBuffer({ resolveWithObject: true });
  const { width, height } = upright.info;
  const raw = { width, height, channels: 4 } as const;

  const small = await sharp(upright.data, { raw }).resize(GRID, GRID, { fit: 'fill' }).raw().toBuffer();
  const focus = await findFocus(upright.data, raw);
  const { data: alpha, own, likely } = subjectMask(small, focus);
  // Two steps, because sharp would do all of it after making the mask large.
  const grid = { width: GRID, height: GRID, channels: 1 } as const;
  const smooth = await sharp(alpha, { raw: grid })
    .median(5)
    .blur(1.3)
    .linear(1.7, -100)
    .toColourspace('b-w')
    .raw()
    .toBuffer();
  const mask = await sharp(smooth, { raw: grid })
    .resize(width, height, { fit: 'fill', kernel: 'cubic' })
    .toColourspace('b-w')
    .raw()
    .toBuffer();
  const whole = await sharp(upright.data, { raw }).flatten({ background: '#e8e6e1' }).removeAlpha().raw().toBuffer();
  const three = { width, height, channels: 3 } as const;
  const cutOut = own
    ? sharp(upright.data, { raw })
    : sharp(whole, { raw: three }).joinChannel(mask, { raw: { width, height, channels: 1 } });

  return {
    cutOut: await cutOut.raw().toBuffer(),
    whole,
    width,
    height,
    touchesTop: alpha.subarray(GRID * 0.35, GRID * 0.65).some((value) => value > 128),
    head: likely ? findHead(width, height, alpha) : guessHead(width, height, focus),
  };
}

/**
 * Alpha of the subject on the small grid. A picture that has transparency of its own is taken at its word. Otherwise
 * what can be reached from the upper corners over like colours is background, if that leaves a likely subject; where it
 * does not, the soft outline of a bust around the place that draws attention stands for it.
 */
function subjectMask(rgba: Buffer, focus: Focus): { data: Buffer; own: boolean; likely: boolean } {
  const data = Buffer.alloc(GRID * GRID);
  let clear = 0;
  for (let index = 0; index < data.length; index += 1) {
    const alpha = rgba[index * 4 + 3] ?? 255;
    data[index] = alpha;
    if (alpha < 128) clear += 1;
  }
  if (clear > data.length * 0.05) return { data, own: true, likely: true };

  // Clothes in the wall's own colour let the flood in: then the shoulders are closed to it.
  const open = floodBackground(rgba, false);
  const background = shareWithin(open, 0.33, 0.82) > 0.08 ? floodBackground(rgba, true) : open;
  const share = shareWithin(background, 0.5, 0);
  const likely = share > 0.12 && share < 0.8;
  for (let y = 0; y < GRID; y += 1) {
    for (let x = 0; x < GRID; x += 1) {
      const index = y * GRID + x;
      const [u, v] = [x / (GRID - 1), y / (GRID - 1)];
      // A subject that the picture's edge cuts must not end in a straight line.
      const side = Math.min(1, Math.min(u, 1 - u) / 0.09);
      const head = 1 - Math.hypot((u - focus.u) / 0.33, (v - focus.v) / 0.38);
      const body = 1 - Math.hypot((u - focus.u) / 0.52, (v - 1.1) / 0.5);
      const soft = Math.max(0, Math.min(1, Math.max(head, body) / 0.3));
      const kept = likely ? 1 - (background[index] ?? 0) : soft;
      data[index] = Math.round(255 * kept * side);
    }
  }
  return { data, own: false, likely };
}

/** How different two places may be: neighbours, and a place and the corner it was reached from. */
const STEP = 16;
const REACH = 72;

/** 1 where the background is. Starts from the upper corners and never enters the middle, where the subject surely is. */
function floodBackground(rgba: Buffer, guarded: boolean): Uint8Array {
  const background = new Uint8Array(GRID * GRID);
  function channel(a: number, b: number, offset: number): number {
    return (rgba[a * 4 + offset] ?? 0) - (rgba[b * 4 + offset] ?? 0);
  }
  // Light counts less than colour: a wall has shadows, and the same wall goes on behind them.
  function difference(a: number, b: number): number {
    const red = channel(a, b, 0);
    const green = channel(a, b, 1);
    const blue = channel(a, b, 2);
    const light = (red + green + blue) / 3;
    return Math.abs(light) * 0.55 + Math.sqrt((red - light) ** 2 + (green - light) ** 2 + (blue - light) ** 2) * 1.5;
  }
  function middle(index: number): boolean {
    const [u, v] = [(index % GRID) / GRID - 0.5, Math.floor(index / GRID) / GRID];
    if (!guarded) return Math.hypot(u / 0.17, (v - 0.5) / 0.2) < 1;
    const shoulders = v > 0.63 ? Math.min(0.4, (v - 0.63) * 2) : 0;
    return v > 0.3 && Math.hypot(u / (0.17 + shoulders), Math.min(0, v - 0.5) / 0.2) < 1;
  }
  for (const corner of [0, GRID - 1]) {
    const stack = [corner];
    // A little inside, where no frame or compression edge spoils the colour.
    const reference = GRID * 3 + (corner === 0 ? 3 : GRID - 4);
    while (stack.length > 0) {
      const index = stack.pop() ?? 0;
      if (background[index] === 1) continue;
      background[index] = 1;
      const x = index % GRID;
      const neighbours = [index - GRID, index + GRID, x > 0 ? index - 1 : -1, x < GRID - 1 ? index + 1 : -1];
      for (const next of neighbours) {
        if (next < 0 || next >= background.length || background[next] === 1 || middle(next)) continue;
        if (difference(index, next) < STEP && difference(reference, next) < REACH) stack.push(next);
      }
    }
  }
  return background;
}

/** How much of the picture's part below `top`, and no further than `half` from its middle, is background. */
function shareWithin(background: Uint8Array, half: number, top: number): number {
  let [all, found] = [0, 0];
  for (const [index, value] of background.entries()) {
    if (Math.abs((index % GRID) / GRID - 0.5) > half || Math.floor(index / GRID) / GRID < top) continue;
    all += 1;
    found += value;
  }
  return found / all;
}

/** A place in the picture, each from 0 to 1. */
interface Focus {
  readonly u: number;
  readonly v: number;
}

/** Where attention goes: faces draw it. Nothing that draws it, or something at the edge: the middle of the upper half. */
async function findFocus(
  pixels: Buffer,
  raw: { readonly width: number; readonly height: number; readonly channels: 4 },
): Promise<Focus> {
  const { width, height } = raw;
  const side = Math.min(width, height);
  const { info } = await sharp(pixels, { raw })
    .removeAlpha()
    .resize(side, side, { fit: 'cover', position: 'attention' })
    .raw()
    .toBuffer({ resolveWithObject: true });
  return {
    u: clamp((info.attentionX ?? width / 2) / width, 0.42, 0.58),
    v: clamp((info.attentionY ?? height * 0.38) / height, 0.34, 0.5),
  };
}

/** The head is what is on top of the subject, down to where it is about as deep as it is wide. */
function findHead(width: number, height: number, alpha: Buffer): Subject['head'] {
  let [top, widest, middle] = [-1, 0, GRID / 2];
  for (let row = 0; row < GRID; row += 1) {
    const inside: number[] = [];
    for (let x = 0; x < GRID; x += 1) if ((alpha[row * GRID + x] ?? 0) > 128) inside.push(x);
    // A few hairs are no head yet.
    if (inside.length < GRID * 0.04) continue;
    if (top < 0) top = row;
    if ((row - top) * (height / GRID) > 1.15 * widest * (width / GRID)) break;
    if (inside.length > widest) {
      widest = inside.length;
      middle = inside.reduce((sum, x) => sum + x, 0) / inside.length;
    }
  }
  const side = clamp((widest / GRID) * width * 1.36, Math.min(width, height) * 0.2, Math.min(width, height) * 0.8);
  return square(width, height, (middle / GRID) * width, (Math.max(0, top) / GRID) * height + side * 0.47, side);
}

/** Without an outline: as large as heads are in most portraits, around the place that draws attention. */
function guessHead(width: number, height: number, { u, v }: Focus): Subject['head'] {
  return square(width, height, u * width, v * height, Math.min(width, height) * 0.56);
}

function square(width: number, height: number, x: number, y: number, wanted: number): Subject['head'] {
  const side = Math.max(1, Math.round(Math.min(wanted, width, height)));
  return {
    left: Math.round(clamp(x - side / 2, 0, width - side)),
    top: Math.round(clamp(y - side / 2, 0, height - side)),
    side,
  };
}

function clamp(value: number, from: number, to: number): number {
  return Math.max(from, Math.min(to, value));
}
