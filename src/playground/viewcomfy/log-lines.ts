import type { FluxOrder } from './parameters.ts';

export interface LogLine {
  /** when it is written: 0 at the start of the run, 1 at its end */
  readonly at: number;
  readonly text: string;
}

/** How the run's time is shared out, as the workflow's own steps share it. */
const SHEET = [0.1, 0.26] as const;
const UPSCALE = [0.28, 0.42] as const;
const SCENES = [0.46, 0.97] as const;

/** What ComfyUI writes to its log while the character workflow runs, in its own words. */
export function fluxLogLines({ steps, scenes, upscaleBy }: FluxOrder): LogLine[] {
  const size = Math.round(1280 * upscaleBy);
  const tiles = Math.ceil(size / 1024);
  const [from, to] = SCENES;
  const share = (to - from) / scenes.length;
  return [
    { at: 0, text: 'got prompt' },
    { at: 0.01, text: 'Using pytorch attention in VAE' },
    { at: 0.02, text: 'VAE load device: cuda:0, offload device: cpu, dtype: torch.bfloat16' },
    { at: 0.03, text: 'Requested to load FluxClipModel_\nloaded completely 9.5367431640625e+25 4777.53857421875 True' },
    { at: 0.05, text: 'model weight dtype torch.float8_e4m3fn, manual cast: torch.bfloat16\nmodel_type FLUX' },
    { at: 0.07, text: 'Loading PuLID-Flux model.' },
    { at: 0.08, text: 'Requested to load Flux\nRequested to load ControlNetFlux' },
    { at: 0.09, text: 'loaded completely 35178.21015625 11350.067443847656 True' },
    ...bar(steps, SHEET[0], SHEET[1]),
    { at: 0.27, text: `Canva size: ${size}x${size}\nTiles amount: ${tiles * tiles}\nGrid: ${tiles}x${tiles}` },
    ...bar(tiles * tiles, UPSCALE[0], UPSCALE[1]),
    { at: 0.43, text: '0: 640x640 9 faces, 11.8ms' },
    { at: 0.45, text: '# of Detected SEGS: 9' },
    ...scenes.flatMap((_scene, index) => bar(steps, from + share * index, from + share * (index + 0.9))),
  ];
}

/** For a workflow of which no more is known. */
export function plainLogLines(steps = 20): LogLine[] {
  return [{ at: 0, text: 'got prompt' }, ...bar(steps, 0.1, 0.9)];
}

/**
 * tqdm draws its bar again and again over itself, with a bare carriage return between: what is read from its pipe has
 * one state or several, so that a reader must expect both.
 */
function bar(total: number, from: number, to: number): LogLine[] {
  const stops = Math.min(total, 9);
  const done = Array.from({ length: stops + 1 }, (_, index) => Math.round((total * index) / stops));
  return done.map((value, index) => {
    const before = done[index - 1] ?? 0;
    const between = value - before > 1 && index % 2 === 0 ? `${barState(value - 1, total)}\r` : '';
    return { at: from + ((to - from) * index) / stops, text: between + barState(value, total) };
  });
}

const SECONDS_PER_STEP = 1.03;

function barState(done: number, total: number): string {
  const percent = Math.floor((done / total) * 100);
  const filled = '█'.repeat(Math.floor(percent / 10)).padEnd(10);
  const rate = done === 0 ? '?it/s' : `${SECONDS_PER_STEP.toFixed(2)}s/it`;
  const left = done === 0 ? '?' : minutes((total - done) * SECONDS_PER_STEP);
  return `${String(percent).padStart(3)}%|${filled}| ${done}/${total} [${minutes(done * SECONDS_PER_STEP)}<${left}, ${rate}]`;
}

function minutes(seconds: number): string {
  const whole = Math.round(seconds);
  return `${String(Math.floor(whole / 60)).padStart(2, '0')}:${String(whole % 60).padStart(2, '0')}`;
}
