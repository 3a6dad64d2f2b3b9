import { MessageFlags, Routes, type APIMessage } from 'discord.js';
import sharp from 'sharp';
import { expect, test } from 'vitest';
import { z } from 'zod';
import { stage, type Stage } from './stage.ts';

const Message = z.custom<APIMessage>();
const V2 = MessageFlags.IsComponentsV2;
const text = (content: string) => ({ type: 10, content });
const gallery = (...urls: string[]) => ({ type: 12, items: urls.map((url) => ({ media: { url } })) });
const png = await sharp({ create: { width: 8, height: 6, channels: 3, background: 'blue' } })
  .png()
  .toBuffer();

async function room({ rest, channel, discord }: Stage) {
  const id = await channel('characters');
  return {
    send: async (body: object, ...names: string[]) => {
      discord.clock.advance(5000);
      const files = names.map((name) => ({ name, data: png }));
      return Message.parse(await rest.post(Routes.channelMessages(id), { body, files }));
    },
    patch: async (message: string, body: object, ...names: string[]) => {
      discord.clock.advance(5000);
      const files = names.map((name) => ({ name, data: png }));
      return Message.parse(await rest.patch(Routes.channelMessage(id, message), { body, files }));
    },
  };
}

function refused(code: string, path?: string) {
  return { status: 400, code: 50035, message: expect.stringContaining(path === undefined ? code : `${path}[${code}]`) };
}

test('components count nested ones, and their texts count together', async () => {
  const { send } = await room(await stage());
  const row = {
    type: 1,
    components: Array.from({ length: 5 }, (_, index) => ({ type: 2, style: 1, label: 'x', custom_id: `b${index}` })),
  };
  const forty = [{ type: 17, components: [row, ...Array.from({ length: 33 }, () => text('x'))] }];
  expect((await send({ flags: V2, components: forty })).components).toHaveLength(1);
  const [container] = forty;
  const more = [{ ...container, components: [...(container?.components ?? []), text('x')] }];
  await expect(send({ flags: V2, components: more })).rejects.toMatchObject(
    refused('COMPONENT_MAX_TOTAL_COMPONENTS_EXCEEDED'),
  );
  const texts = [text('x'.repeat(2000)), { type: 17, components: [text('x'.repeat(2000))] }];
  await send({ flags: V2, components: texts });
  await expect(send({ flags: V2, components: [...texts, text('x')] })).rejects.toMatchObject(
    refused('COMPONENT_DISPLAYABLE_TEXT_SIZE_EXCEEDED'),
  );
});

test('what is no component, or not here, is refused by its place', async () => {
  const { send } = await room(await stage());
  const button = { type: 2, style: 1, label: 'x', custom_id: 'same' };
  const wrong: [object, string][] = [
    [{ components: [text('x')] }, 'UNION_TYPE_CHOICES'],
    [{ flags: V2, components: [{ type: 1, components: [button, button] }] }, 'COMPONENT_CUSTOM_ID_DUPLICATED'],
    [
      { flags: V2, components: [{ type: 1, components: [{ ...button, label: undefined }] }] },
      'BUTTON_COMPONENT_INVALID_LABEL',
    ],
    [{ flags: V2, components: [{ type: 1, components: [{ type: 2, style: 5, label: 'x' }] }] }, 'BASE_TYPE_REQUIRED'],
    [
      { flags: V2, components: [gallery(...Array.from({ length: 11 }, () => 'https://example.com/x.png'))] },
      'BASE_TYPE_MAX_LENGTH',
    ],
    [{ flags: V2, components: [gallery()] }, 'BASE_TYPE_MIN_LENGTH'],
    [{ flags: V2, components: [{ type: 17, components: [{ type: 17, components: [] }] }] }, 'UNION_TYPE_CHOICES'],
    [{ flags: V2, components: [{ ...text('x'), colour: 1 }] }, 'UNKNOWN_KEY'],
    [{ flags: V2, components: [gallery('ftp://example.com/x.png')] }, 'UNFURLED_MEDIA_ITEM_INVALID_URL'],
    [{ flags: V2, components: [{ type: 13, file: { url: 'https://example.com/x.png' } }] }, 'UNFURLED_MEDIA_ITEM'],
    [
      { flags: V2, components: [gallery('attachment://missing.png')] },
      'UNFURLED_MEDIA_ITEM_REFERENCED_ATTACHMENT_NOT_FOUND',
    ],
    [{ flags: V2, content: 'x', components: [text('x')] }, 'MESSAGE_CANNOT_USE_LEGACY_FIELDS_WITH_COMPONENTS_V2'],
    [
      { flags: V2, embeds: [{ title: 'x' }], components: [text('x')] },
      'MESSAGE_CANNOT_USE_LEGACY_FIELDS_WITH_COMPONENTS_V2',
    ],
    [{ embeds: Array.from({ length: 2 }, () => ({ description: 'x'.repeat(3001) })) }, 'MAX_EMBED_SIZE_EXCEEDED'],
  ];
  for (const [body, code] of wrong) {
    const error: unknown = await send(body).catch((reason: unknown) => reason);
    expect({ code, error }).toMatchObject({ error: refused(code) });
  }
  await expect(send({ flags: V2, components: [] })).rejects.toMatchObject({ code: 50006 });
  await expect(send({ content: '' })).rejects.toMatchObject({ code: 50006 });
});

test('the V2 flag stays, and a message that becomes V2 gives up its old content', async () => {
  const { send, patch } = await room(await stage());
  const old = await send({ content: 'old' });
  await expect(patch(old.id, { flags: V2, components: [text('new')] })).rejects.toMatchObject(refused('LEGACY_FIELDS'));
  const converted = await patch(old.id, { flags: V2, content: '', components: [text('new')] });
  expect(converted).toMatchObject({ content: '', flags: V2, components: [{ type: 10, id: 1, content: 'new' }] });
  await expect(patch(old.id, { flags: 0, content: 'x', components: [] })).rejects.toMatchObject(
    refused('IRREVERSIBLE'),
  );
  await expect(patch(old.id, { content: 'x' })).rejects.toMatchObject(refused('LEGACY_FIELDS'));
  expect(await patch(old.id, { components: [text('newer')] })).toMatchObject({
    flags: V2,
    components: [{ content: 'newer' }],
  });
});

test('files of a V2 message are told of by its media items alone', async () => {
  const { send } = await room(await stage());
  const file = { type: 13, file: { url: 'attachment://b.png' } };
  const message = await send(
    { flags: V2, components: [gallery('attachment://a.png', 'https://example.com/x.png'), file] },
    'a.png',
    'b.png',
    'c.png',
  );
  expect(message.attachments).toEqual([]);
  const media = {
    url: expect.stringMatching(/\/a\.png\?ex=/u),
    proxy_url: expect.any(String),
    width: 8,
    height: 6,
    content_type: 'image/png',
    attachment_id: expect.stringMatching(/^\d+$/u),
  };
  expect(message.components).toMatchObject([
    { type: 12, id: 1, items: [{ media }, { media: { url: 'https://example.com/x.png' } }] },
    { type: 13, id: 2, name: 'b.png', size: png.length },
  ]);
  expect(JSON.stringify(message)).not.toContain('c.png');
});

const Media = z.object({
  items: z.array(z.object({ media: z.object({ attachment_id: z.string(), url: z.string() }) })),
});

test('an edit shows a new file when its attachments array names it, and an old one by id and filename', async () => {
  const { send, patch } = await room(await stage());
  const message = await send({ flags: V2, components: [gallery('attachment://a.png')] }, 'a.png');
  const media = Media.parse(message.components?.[0]).items[0]?.media;
  const id = media?.attachment_id ?? '';
  const both = { components: [gallery('attachment://a.png', 'attachment://b.png')] };
  const notFound = refused('UNFURLED_MEDIA_ITEM_REFERENCED_ATTACHMENT_NOT_FOUND');
  // Issue 7529 of Discord's documentation.
  await expect(patch(message.id, { components: [gallery('attachment://b.png')] }, 'b.png')).rejects.toMatchObject(
    notFound,
  );
  await expect(patch(message.id, { ...both, attachments: [{ id }, { id: '0' }] }, 'b.png')).rejects.toMatchObject(
    notFound,
  );
  await expect(patch(message.id, { components: [gallery('attachment://a.png')] })).rejects.toMatchObject(notFound);
  const edited = await patch(message.id, { ...both, attachments: [{ id, filename: 'a.png' }, { id: '0' }] }, 'b.png');
  expect(Media.parse(edited.components?.[0]).items).toMatchObject([
    { media: { attachment_id: id } },
    { media: { url: expect.stringContaining('b.png') } },
  ]);
  await expect(patch(message.id, { attachments: [{ id: '7' }] })).rejects.toMatchObject(
    refused('MESSAGE_ATTACHMENT_NOT_FOUND'),
  );
});

test('an edit keeps files where it does not speak of attachments, and drops those it does not list', async () => {
  const { send, patch } = await room(await stage());
  const message = await send({ content: 'x' }, 'a.png', 'b.png');
  const [a, b] = message.attachments;
  expect((await patch(message.id, { content: 'y' })).attachments).toHaveLength(2);
  const kept = await patch(message.id, { attachments: [{ id: b?.id }] });
  expect(kept.attachments).toMatchObject([{ id: b?.id, filename: 'b.png' }]);
  expect((await fetch(a?.url ?? '')).status).toBe(404);
  expect((await fetch(b?.url ?? '')).status).toBe(200);
  expect((await patch(message.id, { attachments: [] })).attachments).toEqual([]);
});
