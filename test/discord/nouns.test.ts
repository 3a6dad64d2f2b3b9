import { describe, expect, it } from 'vitest';
import character from '../../commands/character.ts';
import { nounOf, resultNoun } from '../../src/discord/nouns.ts';
import { text } from '../../src/discord/text.ts';
import { acceptJob, type Job } from '../../src/jobs/job.ts';

const file = (mediaType: string, name = 'a') => ({ name, mediaType, path: `/${name}`, size: 1 });
const [PICTURE, VIDEO, SOUND, WORDS, ZIP] = ['image/png', 'video/webm', 'audio/mpeg', 'text/plain', 'application/zip'];

function jobWith(files: Job['files'], outputs: Job['recipe']['outputs'] = { main: [] }): Job {
  const recipe = { ...character, outputs };
  const request = { id: 'job', recipe, user: '7', answers: { prompt: 'a pilot' }, note: '' };
  return { ...acceptJob(request, 0), files };
}

describe('what a result is called', () => {
  it.each([
    [[], 'result', true],
    [[PICTURE], 'picture', true],
    [[PICTURE, 'image/webp'], 'pictures', false],
    [[VIDEO], 'video', true],
    [[VIDEO, 'video/mp4'], 'videos', false],
    [[SOUND], 'sound', true],
    [[WORDS, 'text/markdown'], 'texts', false],
    [['application/json'], 'text', true],
    [[ZIP], 'file', true],
    [[ZIP, ZIP], 'files', false],
    [[PICTURE, VIDEO], 'files', false],
  ] as const)('by what its files are: %j', (types, noun, isOne) => {
    expect(nounOf(types.map((mediaType) => ({ mediaType })))).toEqual({ noun, isOne });
  });

  it('goes by what is shown first, not by extras nor by what is hidden', () => {
    const files = [file(VIDEO, 'film.webm'), file(PICTURE, 'last.png'), file(WORDS, 'text_1.txt')];
    expect(resultNoun(jobWith(files, { main: ['film'], hidden: ['last'] }))).toEqual({ noun: 'video', isOne: true });
  });
});

describe('sentences about a result', () => {
  const four = [1, 2, 3, 4].map((scene) => file(PICTURE, `Image_${scene}_00001_.png`));

  it('name the pictures of a result of pictures', () => {
    const job = jobWith(four);
    expect(text.finished(job)).toBe('<@7>, your pictures are here.');
    expect(text.delivering(job)).toBe('**Sending the pictures…**');
    expect(text.nextOfResult(four.slice(1))).toBe('Next 3 pictures');
    expect(text.nextOfResult(four.slice(3))).toBe('Next picture');
    expect(text.failed({ by: 'delivery' }, 'ViewComfy', undefined, resultNoun(job))).toBe(
      'The pictures were made, but Discord did not take them for a day. They are kept: `/jobs` shows them.',
    );
  });

  it('name a video a video', () => {
    const job = jobWith([file(VIDEO, 'film.webm')]);
    expect(text.finished(job)).toBe('<@7>, your video is here.');
    expect(text.delivering(job)).toBe('**Sending the video…**');
    expect(text.failed({ by: 'delivery' }, 'ViewComfy', undefined, resultNoun(job))).toBe(
      'The video was made, but Discord did not take it for a day. It is kept: `/jobs` shows it.',
    );
    const late: Job = { ...job, state: 'cancelled', startedAt: 1, endedAt: 2, closedAt: 3 };
    expect(text.cancelled(late)).toMatch(/^Cancelled while the video was sent\./);
  });

  it('speak of pictures nowhere while nobody knows what it will be', () => {
    const unknown = [
      text.showResultWhy,
      text.delivering(jobWith([])),
      text.failed({ by: 'disk' }, 'ViewComfy'),
      text.failed({ by: 'delivery' }, 'ViewComfy'),
      ...(['cut', 'unknown'] as const).map((type) =>
        text.failed({ by: 'backend', fault: { type, billed: 'no', parameters: [] } }, 'ViewComfy'),
      ),
    ];
    for (const sentence of unknown) {
      expect(sentence).toContain('result');
      expect(sentence).not.toMatch(/picture/i);
    }
  });
});
