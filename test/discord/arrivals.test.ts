import { pino } from 'pino';
import { describe, expect, it } from 'vitest';
import character from '../../commands/character.ts';
import { createArrivals } from '../../src/discord/arrivals.ts';
import { beginNote, type ReplyNote } from '../../src/discord/reply-note.ts';
import { text } from '../../src/discord/text.ts';
import { UserError } from '../../src/errors.ts';
import { acceptJob } from '../../src/jobs/job.ts';
import { eventually } from '../eventually.ts';
import { gone, openReply, unavailable } from './_reply.ts';

function setUp() {
  const kept = new Map<string, string>();
  const { asked, refusals, port, clock } = openReply();
  const store = {
    saveArrival: (id: string, note: string) => void kept.set(id, note),
    removeArrival: (id: string) => void kept.delete(id),
    arrivals: () => [...kept].map(([id, note]) => ({ id, note })),
  };
  const log = pino({ level: 'silent' });
  return { kept, asked, refusals, clock, store, arrivals: createArrivals({ store, port, clock, log }), log, port };
}

function noteOf(id: string, change: Partial<ReplyNote> = {}): ReplyNote {
  const call = { id, application: '4', token: `token-${id}` };
  const note = beginNote({
    call,
    user: '1',
    channel: '2',
    botIsMember: true,
    visibility: 'public',
    fileLimit: 1,
    now: Date.UTC(2026, 10, 21),
  });
  return { ...note, ...change };
}

describe('a command that is no job yet', () => {
  it('is told by the next process that nothing was started, and is forgotten', async () => {
    const { kept, asked, arrivals } = setUp();
    await arrivals.begin(noteOf('1'));
    await arrivals.begin(noteOf('2'));
    arrivals.remove(noteOf('2'));
    await arrivals.tell(arrivals.left([]), text.arrivedTooSoon);
    const edits = asked.filter(({ route }) => route === 'editReply');
    expect(edits).toHaveLength(1);
    expect(JSON.stringify(edits[0]?.message)).toContain('Nothing was started; please try it again');
    expect(kept.size).toBe(0);
  });

  it('is the job that it became, though the process was killed between the two', async () => {
    const { kept, asked, arrivals } = setUp();
    const note = noteOf('1');
    await arrivals.begin(note);
    const request = { id: 'job', recipe: character, user: '1', answers: {}, note: JSON.stringify(note) };
    await arrivals.tell(arrivals.left([acceptJob(request, 0)]), text.arrivedTooSoon);
    expect(asked.map(({ route }) => route)).toEqual(['defer']);
    expect(kept.size).toBe(0);
  });

  it('is told again and again while Discord is away, until its token is dead', async () => {
    const { kept, asked, refusals, arrivals, clock } = setUp();
    refusals.editReply = unavailable();
    await arrivals.begin(noteOf('1'));
    const told = arrivals.tell(arrivals.left([]), text.arrivedTooSoon);
    await eventually(() => {
      clock.advance(60_000);
      expect(kept.size).toBe(0);
    });
    await told;
    expect(asked.length).toBeGreaterThan(5);
  });

  it('whose first answer was refused is forgotten, and told where nobody knows whether it was answered', async () => {
    const { kept, asked, refusals, arrivals } = setUp();
    refusals.defer = gone(10_062);
    await expect(arrivals.begin(noteOf('1'))).rejects.toMatchObject({ kind: 'gone' });
    expect(kept.size).toBe(0);
    refusals.defer = unavailable();
    await expect(arrivals.begin(noteOf('2'))).rejects.toMatchObject({ kind: 'unavailable' });
    await eventually(() => expect(kept.size).toBe(0));
    expect(JSON.stringify(asked.at(-1)?.message)).toContain(text.notAnswered);
  });

  it('whose token is dead is forgotten, and its note that nobody can read as well', async () => {
    const { kept, refusals, store, arrivals } = setUp();
    refusals.editReply = gone(50_027);
    await arrivals.begin(noteOf('1'));
    store.saveArrival('2', 'not JSON');
    await arrivals.tell(arrivals.left([]), text.arrivedTooSoon);
    expect(kept.size).toBe(0);
  });

  it('is not taken while the disk takes nothing', async () => {
    const { store, port, clock, log } = setUp();
    const full = Object.assign(new Error('database or disk is full'), { errcode: 13 });
    const arrivals = createArrivals({
      store: {
        ...store,
        saveArrival() {
          throw full;
        },
      },
      port,
      clock,
      log,
    });
    await expect(arrivals.begin(noteOf('1'))).rejects.toThrow(UserError);
  });
});

describe('words of a form that is no job yet', () => {
  const typed = [['prompt', 'a harbour']] as const satisfies ReplyNote['typed'];

  it('are given back by the next process: beside the reason where only the person sees it', async () => {
    const { kept, asked, arrivals } = setUp();
    await arrivals.begin(noteOf('1', { typed, visibility: 'private' }));
    await arrivals.tell(arrivals.left([]), text.arrivedTooSoon);
    expect(asked.map(({ route }) => route)).toEqual(['defer', 'editReply']);
    expect(JSON.stringify(asked[1]?.message)).toMatch(/Nothing was started.*a harbour/);
    expect(kept.size).toBe(0);
  });

  it('are given back apart where everybody sees the reason, as soon as that can be', async () => {
    const { kept, asked, refusals, arrivals, clock } = setUp();
    refusals.followUp = unavailable();
    await arrivals.begin(noteOf('1', { typed }));
    const told = arrivals.tell(arrivals.left([]), text.arrivedTooSoon);
    await eventually(() => expect(asked.map(({ route }) => route)).toEqual(['defer', 'editReply', 'followUp']));
    expect(JSON.stringify(asked[1]?.message)).not.toContain('harbour');
    delete refusals.followUp;
    await eventually(() => {
      clock.advance(2000);
      expect(kept.size).toBe(0);
    });
    await told;
    expect(JSON.stringify(asked.at(-1)?.message)).toContain('a harbour');
  });
});
