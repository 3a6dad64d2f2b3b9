import type { Attachments } from './attachments.ts';
import { avatarSvg } from './avatar.ts';
import type { Reply } from './http.ts';
import type { PersonRoute } from './person-routes.ts';

/** The files of messages and options, and everybody's avatar. */
export function cdnRoutes(attachments: Attachments): PersonRoute[] {
  async function file(path: string, query: URLSearchParams): Promise<Reply> {
    const found = await attachments.read(path, query);
    if (!found) {
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
    };
    return { status: 200, bytes: found.bytes, headers: { ...headers, 'cache-control': 'private, max-age=3600' } };
  }

  function fileRoute(kind: string, first: string): PersonRoute {
    return {
      method: 'GET',
      path: `/cdn/${kind}/{${first}}/{attachment}/{name}`,
      handle: ({ param, query }) => file(`/cdn/${kind}/${param(first)}/${param('attachment')}/${param('name')}`, query),
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
