import { describe, expect, it } from 'vitest';
import character from '../../commands/character.ts';
import { card } from '../../src/discord/card.ts';
import { text } from '../../src/discord/text.ts';
import { acceptJob, moveJob, type Failure, type Job } from '../../src/jobs/job.ts';
import type { Recipe } from '../../src/recipes/recipe.ts';

const MINUTE = 60_000;

function jobWith(...states: readonly Job['state'][]): Job {
  const request = { id: 'job', recipe: character, user: '1', answers: { prompt: 'a pilot' }, note: '' };
  return states.reduce((job, state, index) => moveJob(job, state, (index + 1) * MINUTE), acceptJob(request, 0));
}

function said(facts: Omit<Parameters<typeof card>[0], 'backend'>) {
  const message = card({ ...facts, backend: 'ViewComfy' });
  const json = JSON.stringify(message);
  return { json, buttons: [...json.matchAll(/"custom_id":"([^"]+)"/g)].map(([, id]) => id), message };
}

describe('the card of a job', () => {
  it('that waits says how many are before it and when its turn comes, in words that do not change by the second', () => {
    const at = Date.UTC(2026, 10, 21, 12, 0, 0);
    const [one, other] = [at + 1000, at + 20_000].map((startsAt) => said({ job: jobWith(), ahead: 3, startsAt }).json);
    expect(one).toContain('3 jobs have their turn before yours');
    expect(one).toContain(`its turn comes about <t:${at / 1000 + 30}:R>`);
    expect(other).toBe(one);
    expect(said({ job: jobWith(), ahead: 0 }).json).toContain('you are next');
  });

  it('says what was sent, and not what the recipe sends by itself', () => {
    const file = { name: 'me.png', mediaType: 'image/png', size: 1 };
    const answers = {
      character: { ...file, path: '/data/inputs/job/character.png' },
      pose: { ...file, name: 'standing.png', path: '/data/defaults/0123456789abcdef.png' },
    };
    const { json } = said({ job: { ...jobWith(), answers } });
    expect(json).toContain('character `me.png`');
    expect(json).not.toContain('standing.png');
    const own = { ...answers, pose: { ...answers.pose, path: '/data/inputs/job/pose.png' } };
    expect(said({ job: { ...jobWith(), answers: own } }).json).toContain('pose `standing.png`');
  });

  it('says honestly when nobody knows', () => {
    expect(said({ job: jobWith(), ahead: 3 }).json).toContain('when its turn comes is known after the first few runs');
    expect(said({ job: jobWith('running') }).json).not.toContain('about <t:');
  });

  it('says what a run takes and costs, in words that stay the same while it waits and runs', () => {
    const told = (job: Job, estimate: Recipe['estimate'], usualMs?: number) => {
      const recipe: Recipe = { ...character, ...(estimate && { estimate }) };
      const { json } = said({ job: { ...job, recipe }, ...(usualMs !== undefined && { usualMs }) });
      return /-# A run: (.+?)(?:\\n|")/.exec(json)?.[1];
    };
    const cost = 'about 12 cents';
    for (const job of [jobWith(), jobWith('running')]) {
      for (const usualMs of [225_000, 240_000, 266_000]) {
        expect(told(job, { cost }, usualMs)).toBe('usually about 4 min · about 12 cents');
      }
      expect(told(job, { cost })).toBe('about 12 cents');
      expect(told(job, undefined, 17_000)).toBe('usually about 15 s');
      expect(told(job, undefined)).toBeUndefined();
    }
    expect(told(jobWith('running', 'delivering'), { cost }, 1000)).toBeUndefined();
    expect(told(jobWith('cancelled'), { cost }, 1000)).toBeUndefined();
  });

  it.each([
    [100, '5 s'],
    [52_000, '45 s'],
    [58_000, '1 min'],
    [85_000, '90 s'],
    [110_000, '2 min'],
    [55 * MINUTE, '1 h'],
    [100 * MINUTE, '2 h'],
    [600 * MINUTE, '10 h'],
  ])('says of %i ms that it is about %s', (ms, words) => {
    expect(text.expectation(ms, undefined)).toBe(`-# A run: usually about ${words}`);
  });

  it('tells a cold start from work', () => {
    const job = jobWith('running');
    expect(said({ job, coldMs: 118_000 }).json).toContain('**Starting up**: a cold start usually takes about 2 min');
    expect(said({ job, endsAt: 90_000 }).json).toContain('done about <t:90:R>');
    expect(said({ job }).json).toContain('**Running** on ViewComfy');
  });

  it('has a button for a fresh token only when it needs one, and says what it is for', () => {
    for (const job of [jobWith(), jobWith('running'), jobWith('running', 'delivering')]) {
      expect(said({ job }).buttons).toEqual(['cancel:job']);
      const { buttons, json } = said({ job, needsPress: true });
      expect(buttons).toEqual(['cancel:job', 'show:job']);
      expect(json).toContain('Press **Show result**');
    }
    expect(said({ job: jobWith('cancelled'), needsPress: true }).buttons).toEqual([]);
  });

  it('that was interrupted can be run again, once', () => {
    const job = jobWith('running', 'interrupted');
    expect(said({ job }).buttons).toEqual(['again:job']);
    expect(said({ job: { ...job, again: 'other' } }).buttons).toEqual([]);
    expect(said({ job }).json).toMatch(/either the bot was stopped while it ran, or ViewComfy does not know it/);
  });

  it.each<readonly [Failure, boolean]>([
    [{ by: 'us' }, true],
    [{ by: 'disk' }, true],
    [{ by: 'delivery' }, false],
    [{ by: 'backend', fault: { type: 'failed', billed: 'maybe', parameters: [] } }, true],
    [{ by: 'backend', fault: { type: 'invalid', billed: 'no', parameters: [] } }, false],
  ])('that failed can be run again where that makes sense: %j', (failure, canBe) => {
    const job = moveJob(jobWith('running'), 'failed', 0, failure);
    expect(said({ job }).buttons).toEqual(canBe ? ['again:job'] : []);
  });

  it('that was cancelled says what is left of it', () => {
    const file = { name: 'a', mediaType: 'image/png', path: '/a', size: 1 };
    expect(said({ job: jobWith('cancelled') }).json).toContain('before its turn came');
    expect(said({ job: { ...jobWith('running', 'cancelled'), files: [file] } }).json).toContain('while it ran');
    const late = { ...jobWith('running', 'delivering', 'cancelled'), files: [file] };
    expect(said({ job: late }).json).toContain('can still be seen with `/jobs`');
  });

  it('in a new message names its owner, and notifies nobody else', () => {
    const { message, json } = said({ job: jobWith('running', 'interrupted'), mention: '77' });
    expect(message.mention).toBe('77');
    expect(json).toContain(text.ended('77'));
  });
});

describe('the list of jobs', () => {
  it('fits into one message, however long the prompts are', () => {
    const prompt = '*'.repeat(500);
    const jobs = Array.from({ length: 10 }, () => ({
      ...jobWith('running', 'delivering', 'done'),
      answers: { prompt },
    }));
    const lines = jobs.map((job) => text.jobLine({ job }, 7 * 24 * 60 * MINUTE));
    expect(lines.join('').length).toBeLessThan(3800);
    for (const job of jobs) expect(text.jobOption(job).label.length).toBeLessThanOrEqual(100);
  });
});
