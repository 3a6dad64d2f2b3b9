import { createHash } from 'node:crypto';
import { readFile, readdir, stat } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { findPackageJSON, stripTypeScriptTypes } from 'node:module';
import { fileURLToPath, pathToFileURL } from 'node:url';
import * as discordTypes from 'discord-api-types/v10';

const pageDirectory = new URL('./page/', import.meta.url);

/** What the page's modules may import by name: the packages that make up Lit, with the file each bare name stands for. */
const packages = {
  lit: 'index.js',
  'lit-html': 'lit-html.js',
  'lit-element': 'index.js',
  '@lit/reactive-element': 'reactive-element.js',
} as const;

const litPackage = packageDirectory('lit', import.meta.url);
const packageDirectories = new Map(
  Object.keys(packages).map((name) => [name, name === 'lit' ? litPackage : packageDirectory(name, litPackage.href)]),
);

const importMap = JSON.stringify({
  imports: Object.fromEntries([
    ['discord-api-types/v10', '/page/discord-api-types.js'],
    ...Object.entries(packages).flatMap(([name, main]) => [
      [name, `/page/modules/${name}/${main}`],
      [`${name}/`, `/page/modules/${name}/`],
    ]),
  ]),
});

/**
 * Everything comes from here, and no string becomes script or markup: the import map is the only inline script and is
 * named by its hash, and Trusted Types let nobody but Lit's own templates write HTML.
 */
const contentSecurityPolicy = [
  "default-src 'none'",
  `script-src 'self' 'sha256-${createHash('sha256').update(importMap).digest('base64')}'`,
  "style-src 'self'",
  "img-src 'self' blob: data:",
  "media-src 'self' blob:",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
  'trusted-types lit-html',
].join('; ');

/** A file as the browser gets it. */
interface Served {
  readonly mediaType: string;
  readonly body: string;
  readonly etag: string;
}

/**
 * Serves the playground's page with no build step: types are stripped from our modules as they are asked for.
 * The handler answers `true` when the request was for the page, and `false`, having touched nothing, when it was not.
 */
export function createPage(): (request: IncomingMessage, response: ServerResponse) => Promise<boolean> {
  /** stripped modules by path; an edited file has another stamp, so that a reload shows it */
  const cache = new Map<string, { stamp: string; served: Served }>();

  async function load(file: URL, mediaType: string, transform: (text: string) => string): Promise<Served | undefined> {
    const found = await stat(file).catch(() => undefined);
    if (found?.isFile() !== true) return undefined;
    const stamp = `${found.mtimeMs}-${found.size}`;
    const cached = cache.get(file.href);
    if (cached?.stamp === stamp) return cached.served;
    const served = present(transform(await readFile(file, 'utf8')), mediaType);
    cache.set(file.href, { stamp, served });
    return served;
  }

  async function find(path: string): Promise<Served | undefined> {
    if (path === '/' || path === '/index.html') {
      return load(new URL('index.html', pageDirectory), 'text/html', (text) =>
        text.replace('<!-- import map -->', `<script type="importmap">${importMap}</script>`),
      );
    }
    if (path === '/page/discord-api-types.js') return enumModule;
    const own = /^\/page\/([a-z0-9-]+\.(ts|css|svg))$/.exec(path);
    if (own?.[1] !== undefined && (await readdir(pageDirectory)).includes(own[1])) {
      const file = new URL(own[1], pageDirectory);
      if (own[2] === 'ts') return load(file, 'text/javascript', (text) => stripTypeScriptTypes(text));
      return load(file, own[2] === 'css' ? 'text/css' : 'image/svg+xml', (text) => text);
    }
    const library = /^\/page\/modules\/((?:@lit\/)?[a-z-]+)\/((?:[a-z-]+\/)*[a-z-]+\.js)$/.exec(path);
    const directory = packageDirectories.get(library?.[1] ?? '');
    if (directory === undefined || library?.[2] === undefined) return undefined;
    // The maps that the last line of these files points to are not served.
    return load(new URL(library[2], directory), 'text/javascript', (text) =>
      text.replace(/\n\/\/# sourceMapping.*/, ''),
    );
  }

  return async function page(request, response) {
    if (request.method !== 'GET' && request.method !== 'HEAD') return false;
    const path = (request.url ?? '/').replace(/[?#].*$/s, '');
    const served = await find(path);
    if (served === undefined) return false;
    response.setHeader('ETag', served.etag);
    response.setHeader('Cache-Control', 'no-cache');
    response.setHeader('Content-Security-Policy', contentSecurityPolicy);
    response.setHeader('Cross-Origin-Opener-Policy', 'same-origin');
    response.setHeader('Referrer-Policy', 'no-referrer');
    response.setHeader('X-Content-Type-Options', 'nosniff');
    if (request.headers['if-none-match'] === served.etag) {
      response.writeHead(304).end();
      return true;
    }
    response.setHeader('Content-Type', `${served.mediaType}; charset=utf-8`);
    response.setHeader('Content-Length', Buffer.byteLength(served.body));
    response.writeHead(200).end(request.method === 'HEAD' ? undefined : served.body);
    return true;
  };
}

/**
 * The enums of `discord-api-types` as a module: the package itself is CommonJS, which a browser cannot load, and the
 * page wants `ComponentType.Container` rather than 17.
 */
const enumModule = present(
  Object.entries(discordTypes)
    .filter(([name, value]) => /^[A-Z]\w+$/.test(name) && isEnum(value))
    .map(([name, value]) => `export const ${name} = ${JSON.stringify(value)};\n`)
    .join(''),
  'text/javascript',
);

function isEnum(value: unknown): boolean {
  return (
    typeof value === 'object' &&
    value !== null &&
    Object.values(value).every((member) => typeof member === 'number' || typeof member === 'string')
  );
}

function present(body: string, mediaType: string): Served {
  return { mediaType, body, etag: `"${createHash('sha256').update(body).digest('base64url').slice(0, 22)}"` };
}

function packageDirectory(name: string, from: string): URL {
  const manifest = findPackageJSON(name, from.startsWith('file:') ? fileURLToPath(from) : from);
  if (manifest === undefined) throw new Error(`The page needs the package "${name}": run npm ci.`);
  return new URL('./', pathToFileURL(manifest));
}
