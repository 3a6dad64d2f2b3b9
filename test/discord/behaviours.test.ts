import { readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';

const REQUESTS = 'discord/behaviours-requests.test.ts';
const MESSAGES = 'discord/behaviours-messages.test.ts';
const GATEWAY = 'discord/behaviours-gateway.test.ts';
const CALLS = 'discord/behaviours-calls.test.ts';
const PROGRESS = 'discord/progress.test.ts';
const UPLOADS = 'discord/uploads.test.ts';
const FAULTS = 'e2e/faults.test.ts';

/**
 * What discord.js 14.28 does that would bite a bot like this one, in one sentence each, and the tests that show that it
 * does not: `[file below test/, the beginning of the title]`.
 */
const BEHAVIOURS: readonly (readonly [sentence: string, ...tests: (readonly [file: string, title: string])[]])[] = [
  [
    'Its 15 s for a request count the upload too.',
    [REQUESTS, '1: is not ended by the 15 s of discord.js'],
    [UPLOADS, 'arrives whole, as bytes through discord.js and as a form with a file behind it'],
  ],
  [
    'It repeats what failed three times, at once, whatever the method.',
    [REQUESTS, '2: is so by us: a slow edit goes out once'],
    [REQUESTS, '2: is recognised where it would come twice'],
    [FAULTS, 'the message instead of a deleted reply'],
  ],
  [
    'It does not repeat what found nobody there or a closed connection.',
    [REQUESTS, '3: is also what found nobody there'],
    [FAULTS, 'Discord as a whole, for a while'],
  ],
  [
    'Where the answer to a defer is lost it refuses to edit.',
    [REQUESTS, '4: finds the interaction answered'],
    [FAULTS, 'the first answer: %s, %d times'],
  ],
  [
    'After a 401 it forgets the token.',
    [REQUESTS, '5: of the bot is told again after a 401'],
    [FAULTS, 'when both ways of editing are refused; discord.js forgets the token then'],
  ],
  [
    "It holds answers to interactions to the bot's 50 requests a second.",
    [REQUESTS, '6: with tokens of their own are not held back'],
  ],
  [
    'It sends requests with one token strictly in a row.',
    [REQUESTS, '7: with one token go in a row'],
    [PROGRESS, 'never have two edits in flight, however slow Discord is'],
  ],
  ['It changes the array of attachments that it is given.', [MESSAGES, '8: is not changed by being sent']],
  ['It holds whatever it sends in memory.', [MESSAGES, '9: is read from disk as the socket takes it']],
  [
    'It holds interactions back until the servers have come.',
    [GATEWAY, '10: brings what people do while its servers are still to come'],
  ],
  [
    'It does not edit a message of a channel that is not cached.',
    [MESSAGES, '11: is edited though its channel is in no cache'],
  ],
  ['A listener that rejects ends the process.', [GATEWAY, '12: outlives a listener that %s']],
  [
    'Its end does not wait for what is in flight.',
    [GATEWAY, '13: waits for the edit that is in flight'],
    ['e2e/shutdown.test.ts', 'lets the running job end, keeps the others, and ends by itself'],
  ],
  [
    'After a resume it brings interactions that are too old, or twice.',
    [CALLS, '14: that a resumed gateway brings when its 3 s are over'],
    [FAULTS, 'bringing a command twice has it answered once'],
    [FAULTS, '%s during a run is not noticed'],
  ],
  [
    'Its errors carry tokens and whole files.',
    [MESSAGES, '15: carries no token and nothing of what was sent'],
    ['log.test.ts', 'of a %s has neither tokens nor what people sent'],
  ],
  ['It keeps a handler for every token.', [REQUESTS, '16: leave nothing behind for longer than an hour']],
  ['Most of its caches have no bound.', [GATEWAY, '17: leaves nothing in memory of who called']],
  ['It once sent direct messages to somebody else.', [MESSAGES, '18: to a user goes to that user']],
  ['Its option `ephemeral` is deprecated.', [MESSAGES, '19: is private by its flags']],
  ['Its edits of replies cannot be aborted.', [REQUESTS, '20: is ours to say for each']],
  [
    'Answers that come late for a busy process are refused as unknown.',
    [CALLS, '21: is answered before its pictures are asked for'],
    ['e2e/crowd.test.ts', 'are all answered within 3 s and all served'],
  ],
];

describe('the 21 behaviours of discord.js that bite', () => {
  it('are all here', () => {
    expect(BEHAVIOURS).toHaveLength(21);
  });

  it.each(BEHAVIOURS.map(([sentence, ...tests], index) => [index + 1, sentence, tests] as const))(
    '%d: %s',
    async (number, _sentence, tests) => {
      expect(tests.some(([, title]) => title.startsWith(`${number}: `))).toBe(true);
      for (const [file, title] of tests) {
        const source = await readFile(new URL(`../${file}`, import.meta.url), 'utf8');
        const isThere = ["'", '"', '`'].some((quote) => source.includes(quote + title));
        expect(isThere, `${file} has no test “${title}”`).toBe(true);
      }
    },
  );
});
