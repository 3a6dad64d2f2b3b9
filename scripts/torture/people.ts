import { setTimeout as pause } from 'node:timers/promises';
import sharp from 'sharp';
import { isCard, lookOf, promptOf, typedPromptOf, wordOf } from './card.ts';
import type { Random } from './random.ts';
import type { Outcome, SeenMessage, Sight } from './sight.ts';

/** A command that somebody gave. */
interface Order {
  readonly word: string;
  readonly person: string;
  readonly interaction: string;
  /** each time that its form was sent: again only where Discord says that nothing came of it */
  readonly submits: readonly string[];
}

/** The load: people who call commands, fill in forms, cancel, look again. */
export interface People {
  /** Watches everything that anybody sees, and acts until `stop`. */
  start(): Promise<void>;
  /** Nobody does anything any more; what comes is still seen. */
  stop(): Promise<void>;
  close(): Promise<void>;
  readonly names: readonly string[];
  readonly orders: readonly Order[];
  /** words of the jobs whose card was shown at some time */
  readonly shown: ReadonlySet<string>;
  /** words of the forms that were shown */
  readonly forms: ReadonlySet<string>;
  /** how often another run of a word was asked for */
  readonly again: ReadonlyMap<string, number>;
  /** interactions whose answers show results a further time, or list jobs */
  readonly looks: ReadonlySet<string>;
  /** how many cards say that their job is under way */
  underWay(): number;
  readonly pressed: Readonly<Record<'cancel' | 'again' | 'show' | 'files' | 'jobs', number>>;
}

interface PeopleDependencies {
  sight: Sight;
  random: Random;
  happened: (occasion: 'command' | 'modal' | 'submit' | 'pictures') => void;
}

const NAMES = ['ana', 'bo', 'mod', 'nitro', 'closed', 'stranger', 'kim', 'lee', 'max', 'noa', 'ola', 'pia'] as const;
/** Cards under way at once: more would only wait. */
const CROWD = 18;
/** Far fewer than the bot keeps of one person: those that are closed are kept too. */
const FORMS_OF_ONE = 2;
const MOST_TRIES = 4;
/** Longer than Discord waits for an answer. */
const OUTCOME_MS = 20_000;

export function createPeople({ sight, random, happened }: PeopleDependencies): People {
  const orders: Order[] = [];
  const shown = new Set<string>();
  const forms = new Set<string>();
  /** how many each person has open */
  const typing = new Map<string, number>();
  /** of interactions that are not pending any more */
  const outcomes = new Map<string, PromiseWithResolvers<Outcome>>();
  const again = new Map<string, number>();
  const looks = new Set<string>();
  /** as everybody sees them now, by id */
  const cards = new Map<string, SeenMessage>();
  const decided = new Set<string>();
  const pressed = { cancel: 0, again: 0, show: 0, files: 0, jobs: 0 };
  const ending = new AbortController();
  const following = new AbortController();
  const acts = new Set<Promise<void>>();
  let follows: Promise<void>[] = [];
  let loops: Promise<void>[] = [];
  let knowsJobs = true;

  function act(work: () => Promise<void>): void {
    const done = work().catch((error: unknown) => {
      if (!ending.signal.aborted) console.error(`A person could not act: ${String(error)}`);
    });
    acts.add(done);
    void done.finally(() => acts.delete(done));
  }

  function onMessage(person: string, message: SeenMessage): void {
    const word = wordOf(message.text);
    if (word === undefined || !isCard(message)) return;
    const before = cards.get(message.id);
    cards.set(message.id, message);
    if (message.interaction === undefined || !looks.has(message.interaction)) shown.add(word);
    if (message.pictures > 0 && !before?.pictures) happened('pictures');
    const owner = orders.find((order) => order.word === word)?.person;
    if (owner === person && !ending.signal.aborted) consider(person, word, message);
  }

  /** A button is thought about once. */
  function consider(person: string, word: string, message: SeenMessage): void {
    for (const { label, customId } of message.buttons) {
      const key = `${message.id} ${customId}`;
      if (decided.has(key)) continue;
      decided.add(key);
      if (label.startsWith('Cancel') && random.happens(0.08)) later(2500, 'cancel', customId);
      else if (/again/i.test(label) && random.happens(0.12)) later(1500, 'again', customId);
      else if (/^Show/i.test(label) && random.happens(0.5)) later(1500, 'show', customId);
      else if (/files?$/i.test(label) && random.happens(0.12)) later(1500, 'files', customId);
    }

    function later(mostMs: number, what: 'cancel' | 'again' | 'show' | 'files', customId: string): void {
      act(async () => {
        await pause(random.whole(0, mostMs), undefined, { signal: ending.signal });
        // The button may have gone meanwhile, as it does for people.
        if (!cards.get(message.id)?.buttons.some((button) => button.customId === customId)) return;
        pressed[what] += 1;
        if (what === 'again') again.set(word, (again.get(word) ?? 0) + 1);
        const interaction = await sight.press(person, message, customId);
        if (what === 'show' || what === 'files') looks.add(interaction);
        happened('command');
      });
    }
  }

  function outcomeOf(interaction: string): PromiseWithResolvers<Outcome> {
    const outcome = outcomes.get(interaction) ?? Promise.withResolvers<Outcome>();
    outcomes.set(interaction, outcome);
    return outcome;
  }

  function onOutcome(outcome: Outcome): void {
    if (outcome.state === 'pending') return;
    // Before anybody begins to type.
    if (outcome.modal) happened('modal');
    outcomeOf(outcome.id).resolve(outcome);
  }

  async function outcomeSoon(interaction: string): Promise<Outcome> {
    const late = new AbortController();
    const tooLate = pause(OUTCOME_MS, undefined, { signal: late.signal }).then(() => {
      throw new Error(`Nothing became of ${interaction}`);
    });
    try {
      return await Promise.race([outcomeOf(interaction).promise, tooLate]);
    } finally {
      tooLate.catch(() => {});
      late.abort();
    }
  }

  /** Types into the form and sends it; some close it instead, and some take long enough for several bots. */
  async function fillIn({ person, word, interaction }: Order, number: number, submits: string[]): Promise<void> {
    if (!(await outcomeSoon(interaction)).modal) return;
    forms.add(word);
    if (random.happens(0.12)) return;
    const fields = { prompt: typedPromptOf(number, random.whole(0, 120)), avoid: random.pick(['', 'rain']) };
    await pause(random.whole(200, random.happens(0.3) ? 10_000 : 2500), undefined, { signal: ending.signal });
    for (let tries = 0; tries < MOST_TRIES; tries += 1) {
      const submit = await sight.submit(person, interaction, fields);
      submits.push(submit);
      happened('submit');
      if ((await outcomeSoon(submit)).state === 'answered') return;
      await pause(random.whole(100, 3000), undefined, { signal: ending.signal });
    }
  }

  function typed(person: string, more: number): void {
    typing.set(person, (typing.get(person) ?? 0) + more);
  }

  async function placesOf(person: string): Promise<[string, ...string[]]> {
    const [first, ...others] = await sight.channelsOf(person);
    if (!first) throw new Error(`${person} sees no channel`);
    return [first.id, ...others.map(({ id }) => id)];
  }

  async function live(person: string, portrait: Blob): Promise<void> {
    const places = await placesOf(person);
    while (!ending.signal.aborted) {
      await pause(random.whole(300, 4000), undefined, { signal: ending.signal });
      if (underWay() >= CROWD) continue;
      // Most people wait for the bot to be there, some do not.
      if (random.happens(0.9) && !(await sight.isBotOnline())) continue;
      if (knowsJobs && random.happens(0.04)) {
        pressed.jobs += 1;
        const asked = await sight.call(person, 'jobs', random.pick(places), {}).catch(() => undefined);
        if (asked === undefined) knowsJobs = false;
        else looks.add(asked);
        continue;
      }
      const isForm = random.happens(0.5) && (typing.get(person) ?? 0) < FORMS_OF_ONE;
      const number = orders.length + 1;
      const { word, prompt } = promptOf(number);
      const submits: string[] = [];
      const order = { word, person, interaction: '', submits };
      // Its card may be there before the answer to the call is.
      const index = orders.push(order) - 1;
      const visibility = random.happens(0.3) && { private: 'true' };
      const picture = random.happens(0.5) && { picture: portrait };
      const options = { ...(isForm ? picture : { prompt, character: portrait }), ...visibility };
      const command = isForm ? 'animate' : 'character';
      const interaction = await sight.call(person, command, random.pick(places), options);
      const called = { ...order, interaction };
      orders[index] = called;
      happened('command');
      if (!isForm) continue;
      typed(person, 1);
      act(() => fillIn(called, number, submits).finally(() => typed(person, -1)));
    }
  }

  function underWay(): number {
    let count = 0;
    for (const card of cards.values()) if (lookOf(card) === 'under way') count += 1;
    return count;
  }

  return {
    names: NAMES,
    orders,
    shown,
    forms,
    again,
    looks,
    pressed,
    underWay,
    async start() {
      const portrait = new Blob([await drawPortrait('#446688')], { type: 'image/png' });
      follows = NAMES.map((name) =>
        sight
          .follow(name, following.signal, { onMessage: (message) => onMessage(name, message), onOutcome })
          .catch((error: unknown) => {
            if (!following.signal.aborted) throw error;
          }),
      );
      loops = NAMES.map((name) =>
        live(name, portrait).catch((error: unknown) => {
          if (!ending.signal.aborted) throw error;
        }),
      );
    },
    async stop() {
      ending.abort();
      await Promise.all([...loops, ...acts]);
    },
    async close() {
      ending.abort();
      following.abort();
      await Promise.all(follows);
    },
  };
}

export async function drawPortrait(background: string): Promise<Uint8Array<ArrayBuffer>> {
  const portrait = sharp({ create: { width: 96, height: 96, channels: 3, background } });
  return Uint8Array.from(await portrait.png().toBuffer());
}
