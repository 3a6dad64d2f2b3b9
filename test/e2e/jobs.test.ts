import sharp from 'sharp';
import { afterEach, describe, expect, it } from 'vitest';
import type { Person, SeenMessage } from './person.ts';
import { PORTRAIT } from './portraits.ts';
import { openStage, type Stage } from './stage.ts';

const EDIT = 'PATCH /webhooks/{application}/{token}/messages/{message}';
const OWN_EDIT = 'PATCH /channels/{channel}/messages/{message}';
const DONE = / s on ViewComfy/;
const HOUR = 3_600_000;

let stage: Stage;

afterEach(() => stage.close());

async function listed(person: Person, channel: string): Promise<SeenMessage> {
  return await person.answer(await person.call('jobs', {}, channel), channel);
}

/** Chooses the job with these words, and waits for what is shown. */
async function shown(person: Person, list: SeenMessage, words: string, channel: string): Promise<SeenMessage> {
  const option = list.options.find(({ label }) => label.includes(words));
  return await person.answer(await person.choose(list, 'jobs', option?.value ?? ''), channel);
}

describe('/jobs', () => {
  it.each([
    ['ana', 'characters'],
    ['ana', 'elsewhere'],
    ['ana', 'dm'],
    ['bo', 'group-dm'],
  ])('shows %s the jobs of before a restart, in %s', { timeout: 40_000 }, async (name, place) => {
    stage = await openStage({ separate: true, viewcomfy: { drawing: 'flat' } });
    const [person, other] = [stage.person(name), stage.person('mod')];
    await person.waitFor((await person.character('seen again')).id, DONE);
    await other.waitFor((await other.character('of somebody else')).id, DONE);
    await stage.kill();
    await stage.start();
    const channel = await person.channelOf(place);
    const list = await listed(person, channel);
    expect(list.ephemeral).toBe(true);
    expect(list.text).toMatch(/seen again\n-# \*\*Done\*\* <t:\d+:R> · goes away <t:\d+:R>/);
    expect(list.text).not.toContain('of somebody else');
    const result = await shown(person, list, 'seen again', channel);
    await expect(person.withPictures(result.id, 4, channel)).resolves.toMatchObject({ ephemeral: true });
    expect((await listed(stage.person('nitro'), 'characters')).text).toContain('You have no jobs yet');
  });

  it('shows how those stand that have no result, and their buttons', async () => {
    stage = await openStage();
    const [ana, bo] = [stage.person('ana'), stage.person('bo')];
    stage.viewcomfy.next({ ending: 'error', errorText: 'CUDA out of memory' });
    await ana.waitFor((await ana.character('a failure')).id, /out of memory/);
    stage.viewcomfy.next({ runMs: 60_000 });
    await bo.waitFor((await bo.character('in the way')).id, /Running/);
    await ana.waitFor((await ana.character('in line')).id, /Waiting/);
    const list = await listed(ana, 'characters');
    expect(list.text).toMatch(/in line\n-# \*\*Waiting\*\* · /);
    expect(list.text).toMatch(/a failure\n-# \*\*Failed\*\* <t:/);
    const failure = await shown(ana, list, 'a failure', 'characters');
    await ana.waitFor(failure.id, /CUDA out of memory/);
    const card = await shown(ana, list, 'in line', 'characters');
    await ana.press(await ana.waitFor(card.id, /Waiting/), /Cancel/);
    await expect.poll(async () => (await listed(ana, 'characters')).text).toMatch(/in line\n-# \*\*Cancelled\*\*/);
  });

  it('shows what could not be sent for a day', { timeout: 40_000 }, async () => {
    stage = await openStage({ viewcomfy: { drawing: 'flat' }, patience: { pausesMs: [50] } });
    const ana = stage.person('ana');
    stage.discord.setClosedDms('ana', true);
    stage.viewcomfy.next({ runMs: 1000 });
    const card = await ana.character('not to be reached', { private: 'true' });
    await ana.waitFor(card.id, /Running/);
    stage.advance(HOUR);
    await expect
      .poll(() => stage.discord.requests().some(({ code }) => code === 50_007), { timeout: 15_000 })
      .toBe(true);
    await expect
      .poll(
        async () => {
          stage.advance(HOUR);
          return (await listed(ana, 'characters')).text;
        },
        { timeout: 20_000, interval: 200 },
      )
      .toMatch(/not to be reached\n-# \*\*Failed\*\*/);
    const result = await shown(ana, await listed(ana, 'characters'), 'not to be reached', 'characters');
    await ana.withPictures(result.id, 4);
  });
});

describe('a failed run', () => {
  it('is run again by its owner, in a message of the same kind', async () => {
    stage = await openStage();
    const ana = stage.person('ana');
    stage.viewcomfy.next({ ending: 'error', errorText: 'CUDA out of memory' });
    const card = await ana.character('once more', { private: 'true', seed: '77' });
    const failed = await ana.waitFor(card.id, /out of memory/);
    const again = await ana.answer(await ana.press(failed, /Run again/));
    expect(again.ephemeral).toBe(true);
    await expect(ana.waitFor(again.id, DONE)).resolves.toMatchObject({ pictures: { length: 4 } });
    const [first, second] = stage.viewcomfy.runs;
    expect(second?.params).toEqual(first?.params);
    expect(second?.files.map(({ key }) => key)).toEqual(first?.files.map(({ key }) => key));
  });
});

describe('cancel', () => {
  it('while the pictures are sent is told on the card, and /jobs still has them', { timeout: 40_000 }, async () => {
    stage = await openStage({ viewcomfy: { drawing: 'flat' }, patience: { pausesMs: [50] } });
    const ana = stage.person('ana');
    stage.viewcomfy.next({ runMs: 1500 });
    const card = await ana.waitFor((await ana.character('too late')).id, /Running/);
    for (const route of [EDIT, OWN_EDIT]) stage.discord.setFault({ route, kind: '502', times: 1000 });
    await expect.poll(async () => (await listed(ana, 'characters')).text, { timeout: 15_000 }).toContain('Being sent');
    await ana.press(card, /Cancel/);
    await expect.poll(async () => (await listed(ana, 'characters')).text).toContain('**Cancelled**');
    for (const route of [EDIT, OWN_EDIT]) stage.discord.setFault({ route, kind: '502', times: 0 });
    stage.advance(60_000);
    const cancelled = await ana.waitFor(card.id, /Cancelled while the pictures were sent.*`\/jobs`/);
    expect(cancelled.pictures).toEqual([]);
    const result = await shown(ana, await listed(ana, 'characters'), 'too late', 'characters');
    await ana.withPictures(result.id, 4);
  });
});

describe('the originals of what was made smaller', () => {
  it('come as they are, in pieces that are the file again', { timeout: 60_000 }, async () => {
    stage = await openStage({ discord: { fileLimit: 400_000 }, viewcomfy: { pictureScale: 1 } });
    const ana = stage.person('ana');
    const reply = await ana.waitFor((await ana.character('a pilot')).id, DONE);
    let page = await ana.answer(await ana.press(reply, /Originals/));
    const urls: string[] = [];
    for (;;) {
      const seen = await ana.waitForFiles(page.id);
      urls.push(...seen.files, ...seen.pictures);
      if (!seen.buttons.some(({ label }) => /Next/.test(label))) break;
      page = await ana.answer(await ana.press(seen, /Next/));
    }
    const first = urls.filter((url) => /image_1_[^/]*\.png\.\d{3}/.test(url));
    expect(first.length).toBeGreaterThan(1);
    const bodies = await Promise.all(first.map(async (url) => Buffer.from(await (await fetch(url)).arrayBuffer())));
    await expect(sharp(Buffer.concat(bodies)).metadata()).resolves.toMatchObject({ format: 'png', width: 1280 });
  });

  it('are a link where the operator serves them', async () => {
    stage = await openStage({
      discord: { fileLimit: 50_000 },
      results: { publicUrl: 'https://pictures.example' },
    });
    const ana = stage.person('ana');
    const small = {
      name: 'me.png',
      bytes: Uint8Array.from(
        await sharp((await PORTRAIT).bytes)
          .resize(96)
          .png()
          .toBuffer(),
      ),
    };
    const call = await ana.call('character', { prompt: 'a pilot', character: small });
    const reply = await ana.waitFor((await ana.answer(call)).id, DONE);
    const links = await ana.answer(await ana.press(reply, /Originals/));
    const linked = await ana.waitFor(links.id, /\(https:\/\/pictures\.example\/[\w-]+\/Image_1_[\w.]+\.png\)/);
    expect(linked.ephemeral).toBe(true);
  });
});
