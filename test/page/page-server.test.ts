import { createServer, request } from 'node:http';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createPage } from '../../src/playground/page-server.ts';

const page = createPage();
const server = createServer((incoming, response) => {
  page(incoming, response).then(
    (taken) => taken || response.writeHead(404).end('not of the page'),
    () => response.writeHead(500).end(),
  );
});
let port = 0;

beforeAll(async () => {
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  const address = server.address();
  port = typeof address === 'object' && address !== null ? address.port : 0;
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
});

/** By `node:http`, because `fetch` tidies `..` away before it asks. */
function get(path: string, headers: Record<string, string> = {}) {
  return new Promise<{ status: number; headers: Record<string, unknown>; body: string }>((resolve, reject) => {
    const asking = request({ port, host: '127.0.0.1', path, headers }, (response) => {
      let body = '';
      response.setEncoding('utf8');
      response.on('data', (chunk: string) => (body += chunk));
      response.on('end', () => resolve({ status: response.statusCode ?? 0, headers: response.headers, body }));
    });
    asking.on('error', reject);
    asking.end();
  });
}

test('serves the page with a policy that lets nothing in from elsewhere', async () => {
  const { status, headers, body } = await get('/?x=1');
  expect(status).toBe(200);
  expect(headers['content-type']).toBe('text/html; charset=utf-8');
  const policy = String(headers['content-security-policy']);
  expect(policy).toContain("default-src 'none'");
  expect(policy).not.toMatch(/unsafe|https?:|\*/);
  expect(body).toContain('<script type="importmap">');
  expect(body).not.toMatch(/(?:src|href)="(?!\/page\/)/);
});

test('strips the types of our modules', async () => {
  const { headers, body } = await get('/page/session.ts');
  expect(headers['content-type']).toBe('text/javascript; charset=utf-8');
  expect(body).toContain('export function createSession');
  expect(body).not.toMatch(/^interface|import type/m);
});

test('gives every module that the modules import', async () => {
  const seen = new Set<string>();
  const { body } = await get('/');
  const map = /<script type="importmap">(.*?)<\/script>/.exec(body)?.[1] ?? '';
  const { imports }: { imports: Record<string, string> } = JSON.parse(map);
  const resolve = (specifier: string, from: string) => {
    if (specifier.startsWith('.')) return new URL(specifier, `http://page${from}`).pathname;
    const prefix = Object.keys(imports).find((key) => key.endsWith('/') && specifier.startsWith(key));
    return imports[specifier] ?? `${imports[prefix ?? '']}${specifier.slice(prefix?.length)}`;
  };
  const visit = async (path: string): Promise<void> => {
    if (seen.has(path)) return;
    seen.add(path);
    const module = await get(path);
    expect({ path, status: module.status }).toEqual({ path, status: 200 });
    for (const [, specifier = ''] of module.body.matchAll(
      /(?:^|[;}\n])\s*(?:import|export)(?:[^;'"()]*\bfrom)?\s*["']([^"']+)["']/g,
    )) {
      await visit(resolve(specifier, path));
    }
  };
  await visit('/page/app.ts');
  expect([...seen]).toContain('/page/modules/lit-html/lit-html.js');
  expect([...seen]).toContain('/page/discord-api-types.js');
});

test.each([
  '/package.json',
  '/page/',
  '/page/tsconfig.json',
  '/page/index.html',
  '/page/../page-server.ts',
  '/page/..%2fpage-server.ts',
  '/page/%2e%2e/api.ts',
  '/page/modules/zod/index.js',
  '/page/modules/lit/package.json',
  '/page/modules/lit/../zod/index.js',
  '/page/modules/lit/%2e%2e/zod/index.js',
  '/page/modules/lit//etc/passwd',
  '/page/modules/constructor/index.js',
  '/page/modules/lit/directives',
  '//page/app.ts',
])('gives nothing else of the disk: %s', async (path) => {
  expect((await get(path)).body).toBe('not of the page');
});

test('answers that nothing changed to a browser that has the file already', async () => {
  const { headers } = await get('/page/base.css');
  const again = await get('/page/base.css', { 'If-None-Match': String(headers['etag']) });
  expect(again).toMatchObject({ status: 304, body: '' });
});
