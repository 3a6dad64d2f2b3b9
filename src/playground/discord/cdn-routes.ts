import type { Attachments } from './attachments.ts';
import { avatarSvg } from './avatar.ts';
import type { Reply } from './http.ts';
import type { PersonRoute } from './person-routes.ts';

/** The files of messages and options, and everybody's avatar. */
export function cdnRoutes(attachments: Attachments): PersonRoute[] {
  async function file(path: string, query: URLSearchParams, wanted: string | undefined): Promise<Reply> {
    const found = attachments.find(path, query);
    const part = found && partOf(wanted, found.size);
    if (part === 'none') return { status: 416, headers: { 'content-range': `bytes */${found?.size ?? 0}` } };
    const bytes = await found?.read(part?.from, part && part.to - part.from + 1);
    if (!found || !bytes) {
      return {
        status: 404,
        bytes: Buffer.from('This content is no longer available.'),
        headers: { 'content-type': 'text/plain' },
      };
    }
    // What people upload is shown as what it says it is, and never run: no scripts, no guessing.
    const headers = {
      'content-type': found.mediaType,
      'content-security-policy': 'sandbox',
      'x-content-type-options': 'nosniff',
      'cache-control': 'private, max-age=3600',
      'accept-ranges': 'bytes',
    };
    if (!part) return { status: 200, bytes, headers };
    return {
      status: 206,
      bytes,
      headers: { ...headers, 'content-range': `bytes ${part.from}-${part.to}/${found.size}` },
    };
  }

  function fileRoute(kind: string, first: string): PersonRoute {
    return {
      method: 'GET',
      path: `/cdn/${kind}/{${first}}/{attachment}/{name}`,
      handle: ({ param, query, response }) =>
        file(`/cdn/${kind}/${param(first)}/${param('attachment')}/${param('name')}`, query, response.req.headers.range),
    };
  }

  return [
    {
      method: 'GET',
      path: '/cdn/avatars/{user}/{name}',
      handle({ param }) {
        const bytes = avatarSvg(param('name').replace(/\.svg$/u, ''));
        return { status: 200, bytes, headers: { 'content-type': 'image/svg+xml' } };
      },
    },
    fileRoute('attachments', 'channel'),
    fileRoute('ephemeral-attachments', 'application'),
  ];
}

/**
 * The part of a file that a `Range` header asks for, its last byte included: a player moves about in a film by it.
 * @returns undefined for the whole file, where nothing, several parts or nonsense is asked for
 */
function partOf(range: string | undefined, size: number): { from: number; to: number } | 'none' | undefined {
  const [, first, last] = /^bytes=(\d*)-(\d*)$/.exec(range ?? '') ?? [];
  if (first === undefined || last === undefined || first + last === '') return undefined;
  const from = first === '' ? Math.max(0, size - Number(last)) : Number(first);
  const to = first === '' || last === '' ? size - 1 : Math.min(Number(last), size - 1);
  if (first !== '' && last !== '' && Number(last) < from) return undefined;
  return from > to ? 'none' : { from, to };
}
