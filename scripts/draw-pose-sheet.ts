/**
 * Draws `commands/character-pose.png`, the pose sheet that is sent when a person gives none.
 *
 * The character workflow makes a sheet of figures after it, and then cuts that sheet at fixed places: three standing
 * figures on top (front, side, back), fifteen heads on the lower left, a half figure on the lower right whose face
 * becomes the likeness in every scene. A sheet with another layout breaks all of that, so the places below are the
 * workflow's crops, brought from its 2048 pixels to the 1280 of this sheet.
 */
import { writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import sharp from 'sharp';

type Point = readonly [x: number, y: number];

const SIZE = 1280;

/** The joints of OpenPose's 18-point body, in its order. */
const JOINTS = [
  'nose',
  'neck',
  'rightShoulder',
  'rightElbow',
  'rightWrist',
  'leftShoulder',
  'leftElbow',
  'leftWrist',
  'rightHip',
  'rightKnee',
  'rightAnkle',
  'leftHip',
  'leftKnee',
  'leftAnkle',
  'rightEye',
  'leftEye',
  'rightEar',
  'leftEar',
] as const;
type Joint = (typeof JOINTS)[number];
type Body = Partial<Record<Joint, Point>>;

/** The ControlNet was trained on these colours: a limb is told by its colour, not by its place. */
const LIMBS: readonly (readonly [Joint, Joint])[] = [
  ['neck', 'rightShoulder'],
  ['neck', 'leftShoulder'],
  ['rightShoulder', 'rightElbow'],
  ['rightElbow', 'rightWrist'],
  ['leftShoulder', 'leftElbow'],
  ['leftElbow', 'leftWrist'],
  ['neck', 'rightHip'],
  ['rightHip', 'rightKnee'],
  ['rightKnee', 'rightAnkle'],
  ['neck', 'leftHip'],
  ['leftHip', 'leftKnee'],
  ['leftKnee', 'leftAnkle'],
  ['neck', 'nose'],
  ['nose', 'rightEye'],
  ['rightEye', 'rightEar'],
  ['nose', 'leftEye'],
  ['leftEye', 'leftEar'],
];

/** Eighteen steps of 20 degrees around the colour wheel, from red to just before red again. */
function colour(index: number): string {
  return `hsl(${index * 20} 100% 50%)`;
}

function drawBody(body: Body, thickness: number): string {
  const limbs = LIMBS.map(([from, to], index) => {
    const [start, end] = [body[from], body[to]];
    if (!start || !end) return '';
    const [x, y] = [(start[0] + end[0]) / 2, (start[1] + end[1]) / 2];
    const half = Math.hypot(end[0] - start[0], end[1] - start[1]) / 2;
    const angle = (Math.atan2(end[1] - start[1], end[0] - start[0]) * 180) / Math.PI;
    return `<ellipse cx="${x}" cy="${y}" rx="${half}" ry="${thickness}" transform="rotate(${angle} ${x} ${y})" fill="${colour(index)}" opacity="0.65"/>`;
  });
  const joints = JOINTS.map((name, index) => {
    const point = body[name];
    return point ? `<circle cx="${point[0]}" cy="${point[1]}" r="${thickness}" fill="${colour(index)}"/>` : '';
  });
  return [...limbs, ...joints].join('');
}

/** A spread hand: five rows of joints from the wrist. `direction` in degrees, 0 to the right. */
function drawHand([x, y]: Point, direction: number, size: number): string {
  return [-46, -20, -4, 12, 28]
    .flatMap((spread, finger) => {
      const angle = ((direction + spread) * Math.PI) / 180;
      const reach = finger === 0 ? 0.75 : 1;
      const joints = [0, 0.45, 0.66, 0.84, 1].map((part): Point => {
        const length = part * reach * size;
        return [x + Math.cos(angle) * length, y + Math.sin(angle) * length];
      });
      return joints.slice(1).map((joint, index) => {
        const [fromX, fromY] = joints[index] ?? [x, y];
        const hue = (finger * 4 + index) * 18;
        return (
          `<path d="M${fromX} ${fromY}L${joint[0]} ${joint[1]}" stroke="hsl(${hue} 100% 50%)" stroke-width="${size / 22}"/>` +
          `<circle cx="${joint[0]}" cy="${joint[1]}" r="${size / 18}" fill="#00f"/>`
        );
      });
    })
    .join('');
}

/** Where a point of a head is that turns by `yaw` and `pitch` (degrees); `depth` is positive towards the viewer. */
interface Head {
  readonly at: Point;
  readonly size: number;
  readonly yaw: number;
  readonly pitch: number;
}
function turn({ at, size, yaw, pitch }: Head, x: number, y: number, z: number): { point: Point; depth: number } {
  const [a, b] = [(yaw * Math.PI) / 180, (pitch * Math.PI) / 180];
  const [turnedX, turnedZ] = [x * Math.cos(a) + z * Math.sin(a), z * Math.cos(a) - x * Math.sin(a)];
  const [turnedY, depth] = [y * Math.cos(b) - turnedZ * Math.sin(b), turnedZ * Math.cos(b) + y * Math.sin(b)];
  return { point: [at[0] + turnedX * size, at[1] + turnedY * size], depth };
}

/** How far the front of the head stands out at a place of it, as an egg does. */
function bulge(x: number, y: number): number {
  return Math.sqrt(Math.max(0, 1 - (x / 0.8) ** 2 - (y / 1.25) ** 2)) * 0.85;
}

function arc(count: number, place: (part: number) => Point): Point[] {
  return Array.from({ length: count }, (_, index) => place(index / (count - 1)));
}

/** The outline and the features as points on the front of the head, x to the viewer's right, y down. */
const FEATURES: readonly Point[] = [
  ...arc(17, (t): Point => [-0.76 * Math.cos(Math.PI * t), -0.05 + 1.05 * Math.sin(Math.PI * t)]),
  ...[-1, 1].flatMap((side) => [
    ...arc(5, (t): Point => [side * (0.14 + 0.42 * t), -0.4 - 0.1 * Math.sin(Math.PI * t)]),
    ...arc(7, (t): Point => [
      side * (0.34 + 0.13 * Math.cos(2 * Math.PI * t)),
      -0.2 + 0.06 * Math.sin(2 * Math.PI * t),
    ]),
  ]),
  ...arc(4, (t): Point => [0, -0.2 + 0.34 * t]),
  ...arc(5, (t): Point => [-0.16 + 0.32 * t, 0.24 + 0.04 * Math.sin(Math.PI * t)]),
  ...arc(13, (t): Point => [0.29 * Math.cos(2 * Math.PI * t), 0.55 + 0.11 * Math.sin(2 * Math.PI * t)]),
];

function drawFace(head: Head): string {
  return FEATURES.map(([x, y]) => turn(head, x, y, bulge(x, y)))
    .filter(({ depth }) => depth > -0.12)
    .map(({ point }) => `<circle cx="${point[0]}" cy="${point[1]}" r="${head.size / 22}" fill="#fff"/>`)
    .join('');
}

/** The five head joints of a body; the far eye and ear of a turned head are hidden. */
function headJoints(head: Head): Body {
  const places = {
    nose: [0, 0.14, 1],
    rightEye: [-0.34, -0.2, 0.72],
    leftEye: [0.34, -0.2, 0.72],
    rightEar: [-0.8, -0.05, 0],
    leftEar: [0.8, -0.05, 0],
  } as const;
  const body: Body = {};
  for (const name of ['nose', 'rightEye', 'leftEye', 'rightEar', 'leftEar'] as const) {
    const [x, y, z] = places[name];
    const { point, depth } = turn(head, x, y, z);
    if (depth > -0.3) body[name] = point;
  }
  return body;
}

/** Arms a little away from the body, feet apart. `side` -1 turns the figure's back: right and left change places. */
function standing(middle: number, side: 1 | -1): Body {
  function place(dx: number, y: number): Point {
    return [middle + side * dx, y];
  }
  return {
    neck: [middle, 164],
    rightShoulder: place(-46, 167),
    rightElbow: place(-105, 192),
    rightWrist: place(-168, 214),
    leftShoulder: place(46, 167),
    leftElbow: place(105, 192),
    leftWrist: place(168, 214),
    rightHip: place(-29, 290),
    rightKnee: place(-46, 396),
    rightAnkle: place(-66, 522),
    leftHip: place(29, 290),
    leftKnee: place(46, 396),
    leftAnkle: place(66, 522),
  };
}

const frontHead: Head = { at: [284, 104], size: 34, yaw: 0, pitch: 0 };
const front = { ...standing(284, 1), ...headJoints(frontHead) };
const sideHead: Head = { at: [640, 104], size: 34, yaw: -90, pitch: 0 };
// The figure looks to the left of the sheet, so its own left side is the one that is seen.
const side: Body = {
  ...headJoints(sideHead),
  neck: [646, 164],
  leftShoulder: [646, 168],
  leftElbow: [652, 194],
  leftWrist: [640, 216],
  leftHip: [644, 290],
  leftKnee: [641, 396],
  leftAnkle: [648, 522],
};
// From behind only the ears are seen.
const back: Body = { ...standing(1004, -1), rightEar: [1033, 106], leftEar: [975, 106] };

const portraitHead: Head = { at: [1016, 796], size: 78, yaw: 8, pitch: 0 };
const portrait: Body = {
  ...headJoints(portraitHead),
  neck: [1022, 944],
  rightShoulder: [922, 948],
  rightElbow: [838, 1086],
  rightWrist: [908, 1198],
  leftShoulder: [1122, 948],
  leftElbow: [1216, 1094],
  leftWrist: [1140, 1204],
  rightHip: [952, 1300],
  leftHip: [1092, 1300],
};

/** Three rows of five: the head turns from one side to the other, level, then up, then down. */
const heads = [
  { y: 716, pitch: 0 },
  { y: 914, pitch: 18 },
  { y: 1118, pitch: -20 },
].flatMap(({ y, pitch }) =>
  [-72, -36, 0, 36, 72].map((yaw, column) => {
    const x = 128 + column * 143;
    const head: Head = { at: [x, y], size: 34, yaw, pitch };
    const narrow = Math.cos((yaw * Math.PI) / 180);
    const lean = Math.sin((yaw * Math.PI) / 180) * -14;
    const bust: Body = {
      ...headJoints(head),
      neck: [x + lean, y + 88],
      rightShoulder: [x + lean - 66 * narrow, y + 92],
      leftShoulder: [x + lean + 66 * narrow, y + 92],
    };
    return drawBody(bust, 3) + drawFace(head);
  }),
);

const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="${SIZE}" height="${SIZE}"><rect width="100%" height="100%"/>
${drawBody(front, 5)}${drawHand([116, 214], 160, 44)}${drawHand([452, 214], 20, 44)}
${drawBody(side, 5)}${drawHand([640, 216], 110, 36)}
${drawBody(back, 5)}${drawHand([836, 214], 160, 44)}${drawHand([1172, 214], 20, 44)}
${drawBody(portrait, 9)}${drawFace(portraitHead)}${drawHand([908, 1198], 40, 76)}${drawHand([1140, 1204], 140, 76)}
${heads.join('')}</svg>`;

const target = fileURLToPath(new URL('../commands/character-pose.png', import.meta.url));
await writeFile(target, await sharp(Buffer.from(svg)).png({ palette: true, colours: 128, effort: 10 }).toBuffer());
console.log(`Drew ${target}`);
