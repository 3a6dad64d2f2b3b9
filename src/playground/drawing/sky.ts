import { n, type Random, repeat } from './random.ts';
import type { Light, Setting } from './words.ts';

/** Scenes are drawn on this canvas and rendered at any size. */
export const WIDTH = 1280;
export const HEIGHT = 720;

/** Colours that belong together: what is near is `near`, what is far fades into `low`. */
export interface Palette {
  /** the sky from its top to the horizon */
  readonly high: string;
  readonly middle: string;
  readonly low: string;
  readonly sun: string;
  /** what the light does to the person: a key colour on one side, the shadows' colour on the other */
  readonly key: string;
  readonly shade: string;
  /** how much light there is on the person, 1 as in their picture */
  readonly exposure: number;
}

export const PALETTES: Readonly<Record<Light, Palette>> = {
  day: {
    high: '#3b86cf',
    middle: '#8fc4ea',
    low: '#e6f1f4',
    sun: '#fff8dc',
    key: '#fff2d0',
    shade: '#4a6a94',
    exposure: 1.04,
  },
  sunset: {
    high: '#2c2a5c',
    middle: '#d05a6a',
    low: '#ffc067',
    sun: '#ffe9a8',
    key: '#ffae5c',
    shade: '#41295e',
    exposure: 0.95,
  },
  night: {
    high: '#04060f',
    middle: '#0e1636',
    low: '#29376b',
    sun: '#dfe7ff',
    key: '#8fb0ff',
    shade: '#0a0f28',
    exposure: 0.8,
  },
  dawn: {
    high: '#5b7bb4',
    middle: '#e2aebd',
    low: '#ffe0b8',
    sun: '#fff3da',
    key: '#ffd3bd',
    shade: '#5b5486',
    exposure: 1,
  },
  grey: {
    high: '#7f9490',
    middle: '#b4c3bc',
    low: '#e0e6db',
    sun: '#f7f9ee',
    key: '#e6f0dc',
    shade: '#2f443f',
    exposure: 0.94,
  },
};

/** Sky, and sun or moon and stars, over the whole canvas. */
export function sky(palette: Palette, light: Light, random: Random, horizon = 0.62): string {
  const [x, y] = [
    random.between(0.15, 0.85) * WIDTH,
    (light === 'day' || light === 'night' ? 0.16 : horizon - 0.1) * HEIGHT,
  ];
  const radius = light === 'sunset' ? 78 : 46;
  const stars = repeat(
    light === 'night' ? 120 : 0,
    () =>
      `<circle cx="${n(random() * WIDTH)}" cy="${n(random() * HEIGHT * horizon)}" r="${n(random.between(0.6, 2.2))}" fill="#fff" opacity="${n(random.between(0.3, 1))}"/>`,
  );
  return (
    `<defs><linearGradient id="sky" x2="0" y2="1"><stop stop-color="${palette.high}"/><stop offset="${horizon / 2}" stop-color="${palette.middle}"/>` +
    `<stop offset="${horizon}" stop-color="${palette.low}"/></linearGradient>` +
    `<radialGradient id="sun"><stop stop-color="${palette.sun}"/><stop offset="0.3" stop-color="${palette.sun}" stop-opacity="0.55"/><stop offset="1" stop-color="${palette.sun}" stop-opacity="0"/></radialGradient></defs>` +
    `<rect width="${WIDTH}" height="${HEIGHT}" fill="url(#sky)"/>${stars}` +
    `<circle cx="${n(x)}" cy="${n(y)}" r="${radius * 5}" fill="url(#sun)" opacity="0.8"/>` +
    `<circle cx="${n(x)}" cy="${n(y)}" r="${radius}" fill="${palette.sun}"/>` +
    (light === 'night' ? '' : clouds(random, y))
  );
}

function clouds(random: Random, avoid: number): string {
  return repeat(5, () => {
    const [x, y] = [random() * WIDTH, random.between(0.06, 0.4) * HEIGHT];
    if (Math.abs(y - avoid) < 40) return '';
    return repeat(
      7,
      () =>
        `<ellipse cx="${n(x + random.between(-130, 130))}" cy="${n(y + random.between(-16, 16))}" rx="${n(random.between(40, 110))}" ry="${n(random.between(8, 22))}" fill="#fff" opacity="0.16"/>`,
    );
  });
}

/** A line of hills from side to side, filled down to the lower edge. */
export function hills(random: Random, level: number, rise: number, colour: string, steps = 5): string {
  let path = `M-20 ${HEIGHT + 20}L-20 ${n(level + random.between(-rise, rise))}`;
  for (let step = 1; step <= steps; step += 1) {
    const [x, width] = [(step / steps) * (WIDTH + 40) - 20, WIDTH / steps];
    const y = level + random.between(-rise, rise);
    path += `S${n(x - width * 0.55)} ${n(y + random.between(-rise, rise) * 0.4)} ${n(x)} ${n(y)}`;
  }
  return `<path d="${path}L${WIDTH + 20} ${HEIGHT + 20}Z" fill="${colour}"/>`;
}

/** Discs of light out of focus. */
export function bokeh(
  random: Random,
  count: number,
  colours: readonly [string, ...string[]],
  from = 0,
  to = HEIGHT,
): string {
  return repeat(count, () => {
    const radius = n(random.between(10, 46));
    return `<circle cx="${n(random() * WIDTH)}" cy="${n(random.between(from, to))}" r="${radius}" fill="${random.pick(colours)}" opacity="${n(random.between(0.1, 0.4))}"/>`;
  });
}

/** What the weather puts between the viewer and everything. */
export function weather({ rain, fog }: Setting, random: Random): string {
  const drops = repeat(rain ? 170 : 0, () => {
    const [x, y, length] = [random() * (WIDTH + 100), random() * HEIGHT, random.between(14, 46)];
    return `<path d="M${n(x)} ${n(y)}l${n(-length * 0.2)} ${n(length)}" stroke="#e8f1ff" stroke-width="${n(random.between(0.8, 2))}" opacity="0.4"/>`;
  });
  const banks = repeat(
    fog ? 9 : 0,
    () =>
      `<ellipse cx="${n(random() * WIDTH)}" cy="${n(random.between(0.78, 1) * HEIGHT)}" rx="${n(random.between(260, 520))}" ry="${n(random.between(20, 60))}" fill="#fff" opacity="0.06"/>`,
  );
  return banks + drops;
}

/** `share` of the way from one #rrggbb to another. */
export function mix(from: string, to: string, share: number): string {
  const channels = [1, 3, 5].map((at) => {
    const [a, b] = [Number.parseInt(from.slice(at, at + 2), 16), Number.parseInt(to.slice(at, at + 2), 16)];
    return Math.round(a + (b - a) * share)
      .toString(16)
      .padStart(2, '0');
  });
  return `#${channels.join('')}`;
}
