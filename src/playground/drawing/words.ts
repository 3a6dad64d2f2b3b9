import { createRandom } from './random.ts';

/** What a scene's words say about the place, the light and the weather. */
export interface Setting {
  readonly motif: Motif;
  readonly light: Light;
  readonly rain: boolean;
  readonly fog: boolean;
}

export type Motif = 'forest' | 'city' | 'stage' | 'desert' | 'sea' | 'snow' | 'space' | 'room' | 'meadow' | 'studio';
export type Light = 'day' | 'sunset' | 'night' | 'dawn' | 'grey';

/** In order: the earlier one wins where several are named at the same place. */
const MOTIFS: readonly (readonly [Motif, RegExp, Light])[] = [
  [
    'stage',
    /concert|stage|music|\bband\b|club|disco|karaoke|festival|neon|cyberpunk|singing|bühne|舞台|演唱会/i,
    'night',
  ],
  ['space', /space|galaxy|planet|astronaut|orbit|moon|stars|nebula|mars\b|weltraum|太空|宇宙/i, 'night'],
  ['snow', /snow|winter|ice\b|icy|arctic|mountain|alps|ski\b|glacier|schnee|雪|山/i, 'day'],
  ['desert', /desert|dune|sahara|canyon|\bsand\b|cactus|wüste|沙漠/i, 'day'],
  ['sea', /\bsea\b|ocean|beach|coast|harbou?r|island|ship|boat|underwater|lake|surf|pool|meer|海/i, 'day'],
  ['forest', /forest|woods?\b|jungle|trees?\b|trail|swamp|wald|森林/i, 'grey'],
  ['city', /city|street|town|skyline|rooftop|market|alley|traffic|downtown|tokyo|paris|york|stadt|城市/i, 'day'],
  [
    'room',
    /room|kitchen|caf[eé]|coffee|library|office|bar\b|restaurant|house|home|indoors?|desk|bed|zimmer|房/i,
    'day',
  ],
  ['meadow', /meadow|garden|field|flower|park|hill|farm|picnic|grass|spring|wiese|花/i, 'day'],
];

const LIGHTS: readonly (readonly [Light, RegExp])[] = [
  ['sunset', /sunset|dusk|evening|golden hour|low sun|abend|日落/i],
  ['night', /night|midnight|moonlit|dark\b|夜/i],
  ['dawn', /dawn|morning|sunrise|pastel/i],
  ['grey', /overcast|cloud|storm|rain|fog|mist|gloomy|雨/i],
  ['day', /noon|midday|sunny|bright|daylight/i],
];

/** Unknown words always give the same setting, another for other words. */
export function readSetting(words: string): Setting {
  const found = MOTIFS.map(([motif, pattern, light]) => ({ motif, light, at: words.search(pattern) }))
    .filter(({ at }) => at >= 0)
    .sort((a, b) => a.at - b.at)[0];
  const light = LIGHTS.find(([, pattern]) => pattern.test(words))?.[0];
  const usual = found?.light ?? createRandom(words).pick(['day', 'sunset', 'night', 'dawn']);
  return {
    motif: found?.motif ?? 'studio',
    light: found?.motif === 'stage' || found?.motif === 'space' ? 'night' : (light ?? usual),
    rain: /\brain|storm|雨/i.test(words),
    fog: /fog|mist|haze|smoke/i.test(words),
  };
}

/** How the finished picture is treated, after its style words. */
export type Style = 'photo' | 'phone' | 'film' | 'noir' | 'watercolor' | 'comic' | 'oil' | 'pencil';

const STYLES: readonly (readonly [Style, RegExp])[] = [
  ['noir', /noir|black.?and.?white|monochrome|b\s?&\s?w/i],
  ['watercolor', /water\s?colou?r|aquarell|ink wash/i],
  ['pencil', /pencil|sketch|charcoal|drawing/i],
  ['comic', /anime|manga|cartoon|comic|cel.?shad|pixar|ghibli/i],
  ['oil', /\boil\b|painting|impressionis|gouache/i],
  ['film', /vintage|polaroid|analog|retro|sepia|kodak|35\s?mm|\bfilm\b/i],
  ['phone', /iphone|phone|selfie|amateur|snapshot/i],
];

export function readStyle(words: string): Style {
  return STYLES.find(([, pattern]) => pattern.test(words))?.[0] ?? 'photo';
}
