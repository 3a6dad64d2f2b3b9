/** A round face for somebody: two letters on a colour of their own. */
export function avatarSvg(name: string): Buffer {
  let hue = 0;
  for (const letter of name) hue = (hue * 31 + (letter.codePointAt(0) ?? 0)) % 360;
  const letters = name.slice(0, 2).replaceAll(/[^a-z0-9]/giu, '');
  return Buffer.from(
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 80 80"><rect width="80" height="80" fill="hsl(${hue} 55% 42%)"/>` +
      `<text x="40" y="41" fill="#fff" font-family="sans-serif" font-size="34" font-weight="600" text-anchor="middle" ` +
      `dominant-baseline="central">${letters.charAt(0).toUpperCase()}${letters.slice(1)}</text></svg>`,
  );
}
