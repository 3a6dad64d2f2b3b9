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
  /** mean colours of the clothes' region, for what is drawn beside the picture */
  readonly colour: { readonly r: number; readonly g: number; readonly b: number };
}

/** The longest side that any of the pictures needs. */
const MAX_SIDE = 1024;
/** Sides of the small picture on which background and subject are told apart. */
const GRID = 192;
/** Pictures of more pixels than this are refused by the decoder. */
export const MAX_PIXELS = 64_000_000;

export async function cutOutSubject(picture: Buffer): Promise<Subject> {
  const upright = await sharp(picture, { limitInputPixels: MAX_PIXELS })
    .rotate()
    .resize(MAX_SIDE, MAX_SIDE, { fit: 'inside' })
    .toColourspace('srgb')
    .ensureAlpha()
    .raw()
    .toBuffer({ resolveWithObject: true });
  const { width, height } = upright.info;
  const raw = { width, height, channels: 4 } as const;

  const small = await sharp(upright.data, { raw }).resize(GRID, GRID, { fit: 'fill' }).raw().toBuffer();
  const focus = await findFocus(upright.data, raw);
  const { data: alpha, own } = subjectMask(small, focus);
  const mask = await sharp(alpha, { raw: { width: GRID, height: GRID, channels: 1 } })
    .median(5)
    .blur(2.6)
    .linear(1.9, -135)
    .resize(width, height, { fit: 'fill', kernel: 'cubic' })
    .toColourspace('b-w')
    .raw()
    .toBuffer();
  const whole = await sharp(upright.data, { raw }).flatten({ background: '#e8e6e1' }).removeAlpha().raw().toBuffer();
  const three = { width, height, channels: 3 } as const;
  const cutOut = own
    ? sharp(upright.data, { raw })
    : sharp(whole, { raw: three }).joinChannel(mask, { raw: { width, height, channels: 1 } });

  const { channels } = await sharp(whole, { raw: three })
    .extract({
      left: Math.floor(width * 0.3),
      top: Math.floor(height * 0.75),
      width: Math.max(1, Math.floor(width * 0.4)),
      height: Math.max(1, Math.floor(height * 0.2)),
    })
    .stats();
  const [r = 128, g = 128, b = 128] = channels.map(({ mean }) => Math.round(mean));
  return {
    cutOut: await cutOut.raw().toBuffer(),
    whole,
    width,
    height,
    touchesTop: alpha.subarray(GRID * 0.35, GRID * 0.65).some((value) => value > 128),
    head: findHead(width, height, focus, alpha),
    colour: { r, g, b },
  };
}

/**
 * Alpha of the subject on the small grid. A picture that has transparency of its own is taken at its word. Otherwise
 * what can be reached from the upper corners over like colours is background, if that leaves a likely subject; where it
 * does not, the soft outline of a bust around the place that draws attention stands for it.
 */
function subjectMask(rgba: Buffer, focus: Focus): { data: Buffer; own: boolean } {
  const data = Buffer.alloc(GRID * GRID);
  let clear = 0;
  for (let index = 0; index < data.length; index += 1) {
    const alpha = rgba[index * 4 + 3] ?? 255;
    data[index] = alpha;
    if (alpha < 128) clear += 1;
  }
  if (clear > data.length * 0.05) return { data, own: true };

  const background = floodBackground(rgba);
  const share = background.reduce((sum, value) => sum + value, 0) / background.length;
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
  return { data, own: false };
}

/** How different two places may be: neighbours, and a place and the corner it was reached from. */
const STEP = 16;
const REACH = 72;

/** 1 where the background is. Starts from the upper corners and never enters the middle, where the subject surely is. */
function floodBackground(rgba: Buffer): Uint8Array {
  const background = new Uint8Array(GRID * GRID);
  // Light counts less than colour: a wall has shadows, and the same wall goes on behind them.
  function difference(a: number, b: number): number {
    const [red, green, blue] = [0, 1, 2].map((channel) => (rgba[a * 4 + channel] ?? 0) - (rgba[b * 4 + channel] ?? 0));
    const light = ((red ?? 0) + (green ?? 0) + (blue ?? 0)) / 3;
    return Math.abs(light) * 0.55 + Math.hypot((red ?? 0) - light, (green ?? 0) - light, (blue ?? 0) - light) * 1.5;
  }
  function middle(index: number): boolean {
    const [u, v] = [(index % GRID) / GRID - 0.5, Math.floor(index / GRID) / GRID];
    const shoulders = v > 0.6 ? Math.min(0.4, (v - 0.6) * 1.6) : 0;
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
  const square = Math.min(width, height);
  const { info } = await sharp(pixels, { raw })
    .removeAlpha()
    .resize(square, square, { fit: 'cover', position: 'attention' })
    .raw()
    .toBuffer({ resolveWithObject: true });
  return {
    u: clamp((info.attentionX ?? width / 2) / width, 0.42, 0.58),
    v: clamp((info.attentionY ?? height * 0.38) / height, 0.34, 0.5),
  };
}

/** The head is around the focus, and its top is where the subject begins above that. */
function findHead(width: number, height: number, { u, v }: Focus, alpha: Buffer): Subject['head'] {
  const square = Math.min(width, height);
  let row = 0;
  while (row < GRID * v && (alpha[row * GRID + Math.round(u * GRID)] ?? 0) < 128) row += 1;
  const top = (row / GRID) * height;
  const half = clamp(v * height - top, square * 0.24, square * 0.34) * 1.12;
  const side = Math.round(Math.min(half * 2, square));
  return {
    left: Math.round(clamp(u * width - side / 2, 0, width - side)),
    top: Math.round(clamp(top - side * 0.03, 0, height - side)),
    side,
  };
}

function clamp(value: number, from: number, to: number): number {
  return Math.max(from, Math.min(to, value));
}
