import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { PORTRAIT } from '../e2e/portraits.ts';
import { runTry, summaryOf } from './_try.ts';

const SCRIPT = fileURLToPath(new URL('../../scripts/try.ts', import.meta.url));
const PICTURE = fileURLToPath(new URL('../../commands/character-pose.png', import.meta.url));
const REQUIRED = ['--prompt', 'x', '--character', PICTURE];
describe('npm run try', () => {
  let folder: string;
  let portrait: string;

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'troupe-try-test-'));
    portrait = join(folder, 'me.png');
    await writeFile(portrait, (await PORTRAIT).bytes);
  });
  afterEach(() => rm(folder, { recursive: true }));

  it('without any configuration draws with the local ViewComfy, and sums up in one line', async () => {
    const out = join(folder, 'files');
    const ended = await runTry(folder, ['--prompt', 'a pilot', '--character', portrait, '--out', out, '--seed', '5']);
    expect(ended).toMatchObject({ code: 0 });
    const summary = summaryOf(ended);
    expect(summary).toMatchObject({ outcome: 'done', backend: 'the local ViewComfy' });
    expect(summary.files).toHaveLength(15);
    await expect(readdir(out)).resolves.toEqual(summary.files?.map(({ name }) => name).toSorted());
    expect(ended.err).toMatch(/25 of 25/);
  });

  it('against a dead address says so in a sentence', async () => {
    const ended = await runTry(folder, ['--prompt', 'a pilot', '--character', portrait], {
      VIEWCOMFY_URL: 'http://127.0.0.1:9/',
      VIEWCOMFY_CLIENT_ID: 'id',
      VIEWCOMFY_CLIENT_SECRET: 'secret',
    });
    expect(ended).toMatchObject({
      code: 1,
      err: 'ViewComfy cannot be reached. Nothing was run; please try again later.\n',
    });
    expect(summaryOf(ended)).toMatchObject({ outcome: 'unreachable', mayBeBilled: false });
  });

  it.each([
    ['an option that is missing', ['--prompt', 'a pilot'], /--character is missing/],
    ['all options that are missing', ['--seed', '1'], /^--prompt is missing: [^]*^--character is missing: /m],
    ['an option of another recipe', [...REQUIRED, '--steps', '9'], /^The recipe character has no option --steps\./],
    ['several problems', [...REQUIRED, '--upscale', '99', '--seed', 'x'], /^--upscale: .*\n--seed: .*\n$/],
    ['an unknown option', ['--colour', 'red'], /Unknown option '--colour'/],
    ['a file that is not there', ['--prompt', 'x', '--character', 'nowhere.png'], /nowhere\.png cannot be read/],
    ['a number that is too large', [...REQUIRED, '--upscale', '99'], /^--upscale: This must be a number from 1 to 4/],
    ['a seed that is not whole', [...REQUIRED, '--seed', '1.5'], /^--seed: This must be a whole number/],
    ['a picture that is none', ['--prompt', 'x', '--character', SCRIPT], /^--character: This file is a text file/],
    ['a recipe that is not there', ['--recipe', 'nothing'], /no recipe nothing; there are .*\bcharacter\b/],
    ['a backend that is not configured', ['--backend', 'viewcomfy', '--prompt', 'x'], /VIEWCOMFY_URL is missing/],
  ])('with %s says what to do', async (_what, args, sentence) => {
    const ended = await runTry(folder, args);
    expect(ended.code).toBe(2);
    expect(ended.err).toMatch(sentence);
    expect(ended.out).toBe('');
  });
});
