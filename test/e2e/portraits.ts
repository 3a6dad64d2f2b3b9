import sharp from 'sharp';
import type { Picture } from './person.ts';

/** A drawn head and shoulders, 768 × 1024, so that no photograph of anybody is needed. */
export async function drawPortrait(skin: string, shirt: string, backdrop: string): Promise<Picture> {
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="768" height="1024">
    <rect width="768" height="1024" fill="${backdrop}"/>
    <ellipse cx="384" cy="1000" rx="330" ry="300" fill="${shirt}"/>
    <rect x="320" y="600" width="128" height="160" fill="${skin}"/>
    <ellipse cx="384" cy="440" rx="190" ry="240" fill="${skin}"/>
    <path d="M180 420 Q200 160 384 170 Q570 160 590 420 Q540 270 384 270 Q230 270 180 420" fill="#2b1d14"/>
    <circle cx="310" cy="430" r="22" fill="#fff"/><circle cx="458" cy="430" r="22" fill="#fff"/>
    <circle cx="312" cy="432" r="11" fill="#3a2a1a"/><circle cx="460" cy="432" r="11" fill="#3a2a1a"/>
    <path d="M320 560 Q384 610 448 560" stroke="#8c3b34" stroke-width="14" fill="none"/>
  </svg>`;
  return { name: 'portrait.png', bytes: Uint8Array.from(await sharp(Buffer.from(svg)).png().toBuffer()) };
}

export const PORTRAIT: Promise<Picture> = drawPortrait('#d9a37e', '#2f6b4f', '#c9d6e2');
