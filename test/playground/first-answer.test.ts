import { DiscordAPIError, MessageFlags } from 'discord.js';
import sharp from 'sharp';
import { expect, test } from 'vitest';
import { interaction, register, stage } from './stage.ts';

const draw = {
  name: 'draw',
  description: 'Draws',
  options: [
    { type: 3, name: 'prompt', description: 'What', required: true },
    { type: 11, name: 'picture', description: 'Whom' },
  ],
};

test('a command is deferred, edited with a picture in a gallery, and seen by everybody', async () => {
  const place = await stage();
  await register(place, draw);
  const arrived = place.next();
  const png = await sharp({ create: { width: 20, height: 10, channels: 3, background: 'red' } })
    .png()
    .toBuffer();
  const id = await place
    .person('ana')
    .run('draw', { prompt: 'a cat', picture: new File([png], 'my cat.png', { type: 'image/png' }) });
  const raw = await arrived;
  expect(raw.id).toBe(id);
  await place.callback(raw, 5);
  expect(await interaction(place, id)).toMatchObject({ state: 'answered' });
  const edited = await place.edit(
    raw,
    {
      flags: MessageFlags.IsComponentsV2,
      components: [{ type: 12, items: [{ media: { url: 'attachment://out.png' } }] }],
      attachments: [{ id: '0' }],
    },
    [{ name: 'out.png', data: png }],
  );
  expect(edited.attachments).toEqual([]);
  const [seen] = await place.person('bo').messages();
  expect(seen?.components?.[0]).toMatchObject({
    type: 12,
    items: [{ media: { width: 20, height: 10, content_type: 'image/png' } }],
  });
});

test('an answer after three seconds finds no interaction', async () => {
  const place = await stage();
  await register(place, draw);
  const arrived = place.next();
  const id = await place.person('ana').run('draw', { prompt: 'a cat' });
  const raw = await arrived;
  place.discord.clock.advance(3001);
  await expect(place.callback(raw, 5)).rejects.toMatchObject({ code: 10062 });
  await expect(place.callback(raw, 5)).rejects.toBeInstanceOf(DiscordAPIError);
  expect(await interaction(place, id)).toMatchObject({ state: 'failed' });
});
