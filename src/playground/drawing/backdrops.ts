import { n, type Random, repeat } from './random.ts';
import { bokeh, HEIGHT, hills, mix, type Palette, PALETTES, sky, weather, WIDTH } from './sky.ts';
import type { Motif, Setting } from './words.ts';

/** The two layers of a scene between which the person stands, as SVG without the outer element. */
export interface Backdrop {
  readonly behind: string;
  readonly before: string;
  readonly palette: Palette;
}

type Draw = (
  palette: Palette,
  random: Random,
  setting: Setting,
) => { behind: string; before: string; palette?: Palette };

const DRAW: Readonly<Record<Motif, Draw>> = {
  forest,
  city,
  stage,
  desert,
  sea,
  snow,
  space,
  room,
  meadow,
  studio,
};

export function drawBackdrop(setting: Setting, random: Random): Backdrop {
  const palette = PALETTES[setting.light];
  const drawn = DRAW[setting.motif](palette, random, setting);
  return {
    behind: drawn.behind,
    before: drawn.before + weather(setting, random),
    palette: drawn.palette ?? palette,
  };
}

function forest(palette: Palette, random: Random, { light }: Setting): ReturnType<Draw> {
  const dark = light === 'night' ? '#05100d' : '#12241a';
  const mist = mix(palette.low, '#8fb59a', 0.55);
  const trunks = [0.22, 0.5, 0.82].map(
    (depth, layer) =>
      repeat(15 - layer * 4, () => {
        const [x, width] = [random() * WIDTH, random.between(12, 26) * (0.5 + depth * 1.5)];
        const lean = random.between(-26, 26);
        const colour = mix(mist, dark, depth);
        const foot = HEIGHT * (0.7 + depth * 0.22);
        const branches = repeat(3, () => {
          const [y, side] = [random.between(40, 420), random() < 0.5 ? -1 : 1];
          return `<path d="M${n(x)} ${n(y)}q${n(side * 40)} ${n(-20)} ${n(side * random.between(60, 130))} ${n(random.between(-90, -30))}" stroke="${colour}" stroke-width="${n(width * 0.22)}" fill="none"/>`;
        });
        return `<path d="M${n(x - width / 2 + lean)} -10L${n(x + width / 2 + lean)} -10L${n(x + width * 0.65)} ${n(foot)}L${n(x - width * 0.65)} ${n(foot)}Z" fill="${colour}"/>${branches}`;
      }) +
      repeat(16, () =>
        leaves(random, random() * WIDTH, random.between(-30, 130 + depth * 40), 46, mix(mist, '#1f4a2c', depth)),
      ),
  );
  const shafts = repeat(5, () => {
    const x = random() * WIDTH;
    return `<path d="M${n(x)} -10h${n(random.between(30, 90))}l-230 ${HEIGHT}h-130Z" fill="${palette.sun}" opacity="0.1"/>`;
  });
  return {
    behind:
      `<defs><linearGradient id="glade" x2="0" y2="1"><stop stop-color="${mix('#2d5a3c', mist, 0.5)}"/><stop offset="0.75" stop-color="${mix(mist, palette.low, 0.7)}"/></linearGradient></defs><rect width="${WIDTH}" height="${HEIGHT}" fill="url(#glade)"/>` +
      trunks[0] +
      hills(random, 540, 24, mix(mist, '#33573a', 0.5)) +
      trunks[1] +
      shafts +
      hills(random, 610, 22, mix('#33573a', dark, 0.35)) +
      trunks[2],
    before: repeat(26, () => fern(random, random() * WIDTH, mix('#2f6a38', dark, random.between(0.1, 0.7)))),
    palette: { ...palette, shade: '#1c3a2a', key: mix(palette.key, '#d6f0b8', 0.5) },
  };
}

function leaves(random: Random, x: number, y: number, size: number, colour: string): string {
  return repeat(
    5,
    () =>
      `<circle cx="${n(x + random.between(-70, 70))}" cy="${n(y + random.between(-36, 36))}" r="${n(random.between(size * 0.4, size))}" fill="${colour}" opacity="0.55"/>`,
  );
}

function fern(random: Random, x: number, colour: string): string {
  return repeat(5, () => {
    const [dx, height] = [random.between(-110, 110), random.between(60, 150)];
    return `<path d="M${n(x)} ${HEIGHT + 30}q${n(dx * 0.2)} ${n(-height)} ${n(dx)} ${n(-height)}q${n(-dx * 0.5)} ${n(height * 0.3)} ${n(-dx)} ${n(height)}Z" fill="${colour}"/>`;
  });
}

function city(palette: Palette, random: Random, { light }: Setting): ReturnType<Draw> {
  const lit = light === 'night' || light === 'sunset' ? 0.5 : 0.14;
  const wall = light === 'day' ? '#3f4c61' : '#191a2e';
  function row(depth: number): string {
    const colour = mix(palette.low, wall, 0.3 + depth * 0.6);
    let drawn = '';
    for (let x = -40; x < WIDTH + 40;) {
      const width = random.between(70, 150);
      // Lower towards the middle, so that the street stays open.
      const open = Math.abs(x + width / 2 - WIDTH / 2) / (WIDTH / 2);
      const top = HEIGHT * (0.56 - depth * 0.1) - random.between(40, 150) - open * 330 * depth;
      drawn += `<rect x="${n(x)}" y="${n(top)}" width="${n(width + 2)}" height="${HEIGHT}" fill="${colour}"/>`;
      for (let y = top + 16; y < 560; y += 26) {
        for (let at = x + 10; at < x + width - 14; at += 22) {
          if (random() > lit) continue;
          drawn += `<rect x="${n(at)}" y="${n(y)}" width="11" height="14" fill="${random.pick(['#ffd98a', '#ffefc4', '#9fd0ff'])}" opacity="${n(0.3 + depth * 0.5)}"/>`;
        }
      }
      x += width;
    }
    return drawn;
  }
  return {
    behind:
      sky(palette, light, random) +
      row(0.25) +
      row(0.6) +
      row(1) +
      `<path d="M520 500H760L1500 720H-220Z" fill="${mix(wall, '#000000', 0.3)}"/><path d="M636 505h8l40 215h-88Z" fill="${palette.sun}" opacity="0.35"/>` +
      `<path d="M520 500H760L1500 720H-220Z" fill="${palette.low}" opacity="0.18"/>`,
    before: bokeh(random, 20, ['#ffd28a', '#ff8d6b', '#ffe9c9', '#8fc3ff'], 560, 710),
  };
}

function stage(_palette: Palette, random: Random): ReturnType<Draw> {
  const turn = random.between(0, 60);
  const [one, two] = [`hsl(${n(300 + turn)} 95% 58%)`, `hsl(${n(205 + turn)} 95% 56%)`];
  const beams = repeat(11, (index) => {
    const [x, spread] = [(index / 10) * WIDTH, random.between(30, 100)];
    const to = x + random.between(-420, 420);
    return `<path d="M${n(x - 6)} -5h12L${n(to + spread)} ${HEIGHT}H${n(to - spread)}Z" fill="${index % 2 === 0 ? one : two}" opacity="${n(random.between(0.14, 0.34))}"/><circle cx="${n(x)}" cy="12" r="20" fill="#fff" opacity="0.9"/>`;
  });
  const wall = repeat(15, (column) =>
    repeat(
      5,
      (line) =>
        `<rect x="${column * 88}" y="${150 + line * 62}" width="80" height="54" fill="${random.pick([one, two, '#140a26', '#140a26'])}" opacity="0.26"/>`,
    ),
  );
  const crowd = repeat(24, (index) => {
    const [x, y] = [index * 56 + random.between(-16, 16), random.between(640, 690)];
    const arm =
      random() < 0.35
        ? `<path d="M${n(x)} ${n(y + 50)}l${n(random.between(-26, 26))} -130" stroke="#07040d" stroke-width="15" stroke-linecap="round"/>`
        : '';
    return `<circle cx="${n(x)}" cy="${n(y)}" r="27" fill="#07040d"/><rect x="${n(x - 40)}" y="${n(y + 20)}" width="80" height="120" rx="34" fill="#07040d"/>${arm}`;
  });
  return {
    behind: `<rect width="${WIDTH}" height="${HEIGHT}" fill="#0b0616"/>${wall}${beams}<ellipse cx="640" cy="690" rx="820" ry="150" fill="${one}" opacity="0.22"/>`,
    before: crowd + bokeh(random, 9, ['#ff9bf0', '#9bd8ff', '#ffffff'], 0, 110),
    palette: { ...PALETTES.night, key: '#ff5fd2', shade: '#2a49d8', sun: '#ffd7f6', low: '#51206b', exposure: 0.9 },
  };
}

function desert(palette: Palette, random: Random, { light }: Setting): ReturnType<Draw> {
  const sand = light === 'night' ? '#3a3a5c' : '#e2a864';
  const dark = mix(sand, palette.shade, 0.5);
  const rocks = repeat(3, () => {
    const [x, width, height] = [random() * WIDTH, random.between(120, 240), random.between(50, 130)];
    return `<path d="M${n(x)} 470l${n(width * 0.12)} ${n(-height)}h${n(width * 0.6)}l${n(width * 0.2)} ${n(height)}Z" fill="${mix(palette.low, '#a35d3c', 0.55)}"/>`;
  });
  const dunes = [0, 1, 2, 3].map((layer) => {
    const level = 455 + layer * 62;
    return (
      hills(random, level, 34, mix(mix(palette.low, sand, 0.45 + layer * 0.18), dark, layer % 2 === 0 ? 0 : 0.28), 4) +
      repeat(
        5,
        () =>
          `<path d="M${n(random() * WIDTH)} ${n(level + random.between(30, 60))}q90 -12 220 4" stroke="${dark}" stroke-width="2" fill="none" opacity="0.35"/>`,
      )
    );
  });
  return {
    behind: sky(palette, light, random, 0.66) + rocks + dunes.join(''),
    before: bokeh(random, 14, [mix(sand, '#ffffff', 0.5)], 520, 720) + hills(random, 706, 14, mix(sand, dark, 0.2)),
    palette: { ...palette, key: mix(palette.key, '#ffcf8f', 0.6), shade: mix(palette.shade, '#7a4a2c', 0.55) },
  };
}

function sea(palette: Palette, random: Random, { light }: Setting): ReturnType<Draw> {
  const water = light === 'night' ? '#0b1a3c' : light === 'sunset' ? '#4a4a86' : '#1f7f9e';
  const glints = repeat(150, () => {
    const y = 400 + random() ** 1.6 * 240;
    const length = (y - 380) * random.between(0.1, 0.5);
    return `<path d="M${n(random() * WIDTH)} ${n(y)}h${n(length)}" stroke="${random.pick([palette.sun, palette.low, '#ffffff'])}" stroke-width="${n((y - 380) / 90 + 0.6)}" stroke-linecap="round" opacity="${n(random.between(0.15, 0.6))}"/>`;
  });
  const foam = repeat(3, (index) => hills(random, 618 + index * 22, 9, index === 2 ? '#e9d5ab' : '#f4fbfb', 6));
  const sail = random() * WIDTH;
  return {
    behind:
      sky(palette, light, random, 0.55) +
      hills(random, 388, 10, mix(palette.low, water, 0.5), 6) +
      `<defs><linearGradient id="water" x2="0" y2="1"><stop stop-color="${mix(water, palette.low, 0.5)}"/><stop offset="1" stop-color="${water}"/></linearGradient></defs><rect y="396" width="${WIDTH}" height="330" fill="url(#water)"/>` +
      glints +
      `<path d="M${n(sail)} 404v-66l42 60ZM${n(sail - 5)} 404v-54l-26 50ZM${n(sail - 36)} 408h84l-14 16h-58Z" fill="#fff" opacity="0.85"/>` +
      foam,
    before: bokeh(random, 16, ['#ffffff', palette.sun, '#bfeaf5'], 590, 720),
  };
}

function snow(palette: Palette, random: Random, { light }: Setting): ReturnType<Draw> {
  const rock = mix(palette.low, '#4b5d7c', 0.62);
  const peaks = repeat(5, (index) => {
    const [x, height] = [index * 300 - 20 + random.between(-70, 70), random.between(190, 330)];
    const [top, half] = [500 - height, height * 0.95];
    return (
      `<path d="M${n(x - half)} 520L${n(x)} ${n(top)}L${n(x + half)} 520Z" fill="${rock}"/>` +
      `<path d="M${n(x)} ${n(top)}l${n(half * 0.42)} ${n(height * 0.42)}l-34 -16l-30 34l-34 -44l-30 30l${n(94 - half * 0.8)} ${n(height * 0.42 - 4)}Z" fill="#fbfdff"/>` +
      `<path d="M${n(x)} ${n(top)}L${n(x + half)} 520H${n(x + 30)}Z" fill="${palette.shade}" opacity="0.22"/>`
    );
  });
  const pines = repeat(26, () => {
    const [x, height] = [random() * WIDTH, random.between(60, 150)];
    const y = 540 + random() * 60;
    return `<path d="M${n(x - height * 0.28)} ${n(y)}L${n(x)} ${n(y - height)}L${n(x + height * 0.28)} ${n(y)}Z" fill="${mix('#1d3a3c', palette.low, 0.15)}"/><path d="M${n(x - height * 0.1)} ${n(y - height * 0.62)}L${n(x)} ${n(y - height)}L${n(x + height * 0.1)} ${n(y - height * 0.62)}Z" fill="#fff"/>`;
  });
  const ground = mix('#ffffff', palette.middle, 0.2);
  return {
    behind:
      sky(palette, light, random, 0.6) +
      peaks +
      hills(random, 530, 20, mix(ground, palette.shade, 0.2)) +
      pines +
      hills(random, 610, 18, ground),
    before: repeat(
      90,
      () =>
        `<circle cx="${n(random() * WIDTH)}" cy="${n(random() * HEIGHT)}" r="${n(random.between(1.5, 8))}" fill="#fff" opacity="${n(random.between(0.4, 0.9))}"/>`,
    ),
    palette: { ...palette, shade: mix(palette.shade, '#5c86c4', 0.5), key: mix(palette.key, '#eef6ff', 0.4) },
  };
}

function space(_palette: Palette, random: Random): ReturnType<Draw> {
  const hue = random.between(190, 330);
  const clouds = repeat(34, (index) => {
    const t = index / 33;
    return `<circle cx="${n(t * WIDTH + random.between(-120, 120))}" cy="${n(600 - t * 480 + random.between(-110, 110))}" r="${n(random.between(50, 190))}" fill="hsl(${n(hue + random.between(-45, 45))} 80% 55%)" opacity="0.09"/>`;
  });
  const stars = repeat(
    260,
    () =>
      `<circle cx="${n(random() * WIDTH)}" cy="${n(random() * HEIGHT)}" r="${n(0.5 + random() ** 4 * 3.4)}" fill="${random.pick(['#fff', '#fff', '#cfe0ff', '#ffe6c9'])}" opacity="${n(random.between(0.4, 1))}"/>`,
  );
  const [x, y, radius] = [random.pick([190, 1080]), random.between(150, 300), random.between(90, 150)];
  const planet =
    `<defs><radialGradient id="planet" cx="0.3" cy="0.3" r="0.9"><stop stop-color="hsl(${n(hue - 150)} 80% 74%)"/><stop offset="0.6" stop-color="hsl(${n(hue - 165)} 65% 42%)"/><stop offset="1" stop-color="#070512"/></radialGradient></defs>` +
    `<circle cx="${x}" cy="${n(y)}" r="${n(radius)}" fill="url(#planet)"/><ellipse cx="${x}" cy="${n(y)}" rx="${n(radius * 1.8)}" ry="${n(radius * 0.36)}" transform="rotate(-18 ${x} ${n(y)})" fill="none" stroke="#ffe3c2" stroke-width="9" opacity="0.6"/>`;
  return {
    behind: `<rect width="${WIDTH}" height="${HEIGHT}" fill="#060512"/>${clouds}${stars}${planet}`,
    before: bokeh(random, 8, ['#ffffff', '#bcd0ff'], 560, 720),
    palette: { ...PALETTES.night, key: `#9fb6ff`, shade: '#3a1466', low: '#3b2a78', exposure: 0.9 },
  };
}

function room(palette: Palette, random: Random, { light }: Setting): ReturnType<Draw> {
  const wall = random.pick(['#c9b79c', '#a9b8a6', '#b9a6a0', '#8fa3ad']);
  const dim = mix(wall, light === 'night' ? '#1a1626' : '#6d5a4a', light === 'night' ? 0.6 : 0.25);
  const windowX = random.pick([90, 860]);
  const shelfX = windowX < 400 ? 760 : 60;
  const books = repeat(3, (shelf) => {
    let drawn = `<rect x="${shelfX}" y="${230 + shelf * 130}" width="430" height="14" fill="#5b3f2b"/>`;
    for (let x = shelfX + 8; x < shelfX + 410;) {
      const [width, height] = [random.between(12, 32), random.between(56, 104)];
      if (random() > 0.12) {
        drawn += `<rect x="${n(x)}" y="${n(230 + shelf * 130 - height)}" width="${n(width)}" height="${n(height)}" fill="${random.pick(['#7d3b32', '#2f5a5c', '#c08a3e', '#3d4672', '#d8c7a4', '#506b3c'])}"/>`;
      }
      x += width + 2;
    }
    return drawn;
  });
  const pane = `<rect x="${windowX - 14}" y="86" width="328" height="388" fill="#f5efe4"/><g transform="translate(${windowX} 100) scale(0.234 0.5)">${sky(palette, light, random, 0.8)}</g><path d="M${windowX + 150} 100v360M${windowX} 280h300" stroke="#f5efe4" stroke-width="12"/>`;
  const beam = `<path d="M${windowX} 460h300l260 280h-700Z" fill="${palette.sun}" opacity="0.2"/>`;
  return {
    behind: `<rect width="${WIDTH}" height="${HEIGHT}" fill="${dim}"/><rect y="590" width="${WIDTH}" height="140" fill="#6b4a33"/>${pane}${books}${beam}<circle cx="${shelfX + 215}" cy="60" r="240" fill="#ffcf87" opacity="0.28"/><circle cx="${shelfX + 215}" cy="60" r="42" fill="#fff0cf"/>`,
    before:
      repeat(5, () => fern(random, windowX < 400 ? random.between(1080, 1280) : random.between(0, 190), '#2f5a3a')) +
      bokeh(random, 6, ['#ffd9a0', '#fff1d6'], 560, 720),
    palette: { ...palette, key: mix(palette.key, '#ffd9a6', 0.5), shade: mix(palette.shade, '#4a3a34', 0.5) },
  };
}

function meadow(palette: Palette, random: Random, { light }: Setting): ReturnType<Draw> {
  const grass = light === 'night' ? '#1d3a34' : '#6fa53f';
  const colours: readonly [string, ...string[]] = ['#ffd94d', '#ff7d9b', '#ffffff', '#b98bff', '#ff8f4d'];
  const dots = repeat(190, () => {
    const y = 470 + random() ** 1.3 * 250;
    return `<circle cx="${n(random() * WIDTH)}" cy="${n(y)}" r="${n((y - 440) / 46)}" fill="${random.pick(colours)}"/>`;
  });
  return {
    behind:
      sky(palette, light, random, 0.6) +
      hills(random, 420, 36, mix(palette.low, grass, 0.45)) +
      repeat(9, () => leaves(random, random() * WIDTH, random.between(380, 430), 40, mix(grass, '#1f4a2c', 0.5))) +
      hills(random, 480, 26, mix(palette.low, grass, 0.8)) +
      hills(random, 560, 20, grass) +
      dots,
    before:
      bokeh(random, 26, colours, 560, 720) +
      repeat(10, () => fern(random, random() * WIDTH, mix(grass, '#1f4a2c', random()))),
  };
}

/** For words that name no place: a painted studio wall, coloured by chance. */
function studio(_palette: Palette, random: Random): ReturnType<Draw> {
  const hue = random.between(0, 360);
  const shapes = repeat(9, () => {
    const colour = `hsl(${n(hue + random.between(-60, 60))} 60% ${n(random.between(38, 72))}%)`;
    return `<circle cx="${n(random() * WIDTH)}" cy="${n(random() * HEIGHT)}" r="${n(random.between(90, 300))}" fill="${colour}" opacity="0.34"/>`;
  });
  return {
    behind: `<rect width="${WIDTH}" height="${HEIGHT}" fill="hsl(${n(hue)} 45% 34%)"/>${shapes}`,
    before: bokeh(random, 10, ['#ffffff', '#ffe7c2'], 540, 720),
    palette: { ...PALETTES.dawn, low: '#a89cb8' },
  };
}
