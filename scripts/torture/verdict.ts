import { givesBack, isCard, lookOf, saysFormLost, wordOf, type Look } from './card.ts';
import type { DatabaseReport, JobRow } from './database.ts';
import type { RunList } from './messages.ts';
import type { People } from './people.ts';
import type { SeenMessage, Sight } from './sight.ts';

/** What became of the jobs whose cards were shown, and what must never happen. */
export interface Verdict {
  readonly acknowledged: number;
  readonly delivered: number;
  readonly failed: number;
  readonly interrupted: number;
  /** jobs that are nowhere, done without pictures to be seen, or ended without a sentence on a card */
  readonly lost: number;
  /** messages with the pictures of a job, beyond its first */
  readonly twice: number;
  /** runs of a job at the backend, beyond its first */
  readonly paidTwice: number;
  /** cards that say waiting, running, sending or "thinking…" though nothing is open */
  readonly stuckCards: number;
  /** forms that were shown */
  readonly forms: number;
  /** of those, the ones that were sent and answered */
  readonly formsSent: number;
  /** answers that do not know a form or can make nothing of it, or that nobody sees */
  readonly formsLost: number;
  /** answers that give back what was typed */
  readonly wordsBack: number;
  /** forms that were sent and became nothing, without the words that were typed in what is said of it */
  readonly wordsLost: number;
  readonly cancelled: number;
  /** commands that never had a card, and never will */
  readonly unacknowledged: number;
  /** of those, the ones that were not answered at all, because the bot was dead */
  readonly unanswered: number;
  /** jobs that ended otherwise than people see it */
  readonly contradictions: number;
  /** jobs of which nobody sees anything */
  readonly unseen: number;
  /** sentences about what is wrong */
  readonly problems: readonly string[];
}

export async function judge(people: People, sight: Sight, runs: RunList, { jobs }: DatabaseReport): Promise<Verdict> {
  const problems: string[] = [];
  const messages = await everyMessage(people, sight);
  const cards = messages.filter((message) => isCard(message) && !people.looks.has(message.interaction ?? ''));
  const answersOf = Map.groupBy(messages, ({ interaction }) => interaction ?? '');
  const cardsOf = Map.groupBy(cards, ({ text }) => wordOf(text) ?? '');
  const jobsOf = Map.groupBy(jobs, ({ word }) => word);
  const runsOf = Map.groupBy(runs, ({ prompt }) => wordOf(prompt) ?? '');
  const counts = { delivered: 0, failed: 0, interrupted: 0, cancelled: 0 };
  const sums = {
    acknowledged: 0,
    lost: 0,
    twice: 0,
    paidTwice: 0,
    formsSent: 0,
    formsLost: 0,
    wordsBack: 0,
    wordsLost: 0,
    contradictions: 0,
    unseen: 0,
    unacknowledged: 0,
    unanswered: 0,
  };

  for (const { word, interaction, submits } of people.orders) {
    const own = jobsOf.get(word) ?? [];
    const shown = cardsOf.get(word) ?? [];
    const looks = shown.map((message) => lookOf(message));
    const found = { own, looks, pictures: looks.filter((look) => look === 'pictures').length };
    const isShown = people.shown.has(word) || shown.length > 0;
    if (isShown) judgeShown(word, found);
    else {
      sums.unacknowledged += 1;
      if (!(await wasAnswered(submits.at(-1) ?? interaction))) sums.unanswered += 1;
      add('unseen', own.length, word, found);
    }
    for (const submit of submits) if (await wasAnswered(submit)) judgeSent(word, submit, found);
    add('twice', found.pictures - Math.max(1, inState(own, 'done')), word, found);
    const paid = runsOf.get(word)?.length ?? 0;
    add('paidTwice', paid - Math.max(1, own.length), word, found);
    add('paidTwice', own.length - 1 - (people.again.get(word) ?? 0), word, found);
  }

  const thinking = await sight.thinking();
  const stuck = cards.filter((card) => lookOf(card) === 'under way');
  for (const { id, interaction = '' } of thinking) {
    const order = people.orders.find((candidate) =>
      [candidate.interaction, ...candidate.submits].includes(interaction),
    );
    const asked = people.looks.has(interaction) ? 'a press or /jobs' : (order?.word ?? 'another run');
    problems.push(`message ${id} still says "thinking…", as the answer ${interaction} to ${asked}`);
  }
  for (const { text, id } of stuck) problems.push(`card ${id} is stuck: ${JSON.stringify(text)}`);
  const { acknowledged, lost, twice, paidTwice, formsSent, formsLost, wordsBack, wordsLost, ...others } = sums;
  const { delivered, failed, interrupted, cancelled } = counts;
  const stuckCards = stuck.length + thinking.length;
  return {
    acknowledged,
    delivered,
    failed,
    interrupted,
    lost,
    twice,
    paidTwice,
    stuckCards,
    forms: people.forms.size,
    formsSent,
    formsLost,
    wordsBack,
    wordsLost,
    cancelled,
    ...others,
    problems,
  };

  function judgeShown(word: string, found: Found): void {
    const { own, looks, pictures } = found;
    sums.acknowledged += Math.max(1, own.length);
    if (own.length === 0) add('lost', 1, word, found);
    const done = inState(own, 'done');
    counts.delivered += Math.min(done, pictures);
    for (const state of ['failed', 'interrupted', 'cancelled'] as const) counts[state] += inState(own, state);
    add('lost', done - pictures, word, found);
    const told = looks.filter((look) => look === 'sentence' || look === 'cancelled').length;
    const toldOtherwise = inState(own, 'failed') + inState(own, 'interrupted') + inState(own, 'cancelled');
    // Pictures in the place of a sentence are no loss, and the other way round they are.
    add('lost', toldOtherwise - told - Math.max(0, pictures - done), word, found);
    add('contradictions', pictures - Math.max(done, 0), word, found);
    add('contradictions', looks.filter((look) => look === 'cancelled').length - inState(own, 'cancelled'), word, found);
  }

  async function wasAnswered(interaction: string): Promise<boolean> {
    return interaction !== '' && (await sight.outcomeOf(interaction)).state === 'answered';
  }

  /** What Discord has closed is gone from the person's screen: it is a job now, or its words are in an answer. */
  function judgeSent(word: string, submit: string, found: Found): void {
    sums.formsSent += 1;
    const answers = answersOf.get(submit) ?? [];
    add('formsLost', answers.length === 0 || answers.some((answer) => saysFormLost(answer)) ? 1 : 0, word, found);
    const isBack = answers.some((answer) => givesBack(answer, word));
    if (isBack) sums.wordsBack += 1;
    add('wordsLost', found.own.length === 0 && !isBack ? 1 : 0, word, found);
  }

  function add(sum: keyof typeof sums, count: number, word: string, { own, looks }: Found): void {
    if (count <= 0) return;
    sums[sum] += count;
    const states = own.map(({ id, state }) => `${id} ${state}`).join(', ') || 'no job';
    problems.push(`${sum}: ${word} has ${states}; is seen as ${looks.join(', ') || 'nothing'}; ${about(word)}`);
  }

  function about(word: string): string {
    const told = (runsOf.get(word) ?? []).map(({ id, outcome }) => `${id} ${outcome}`).join(', ');
    return `runs: ${told || 'none'}; again: ${people.again.get(word) ?? 0}`;
  }
}

interface Found {
  readonly own: readonly JobRow[];
  readonly looks: readonly Look[];
  readonly pictures: number;
}

function inState(jobs: readonly JobRow[], wanted: string): number {
  return jobs.filter(({ state }) => state === wanted).length;
}

/** Each once, whoever sees it. */
async function everyMessage(people: People, sight: Sight): Promise<SeenMessage[]> {
  const all = new Map<string, SeenMessage>();
  for (const name of people.names) {
    for (const { id: channel } of await sight.channelsOf(name)) {
      for (const message of await sight.messages(name, channel)) all.set(message.id, message);
    }
  }
  return [...all.values()];
}
