import { ComponentType, type APIChatInputApplicationCommandInteraction } from 'discord-api-types/v10';
import type { Queue } from '../jobs/queue.ts';
import { jobsCard, notice } from './card.ts';
import { PICK_JOB } from './custom-id.ts';
import { callOf, userOf } from './interaction.ts';
import type { Port } from './port.ts';
import { text } from './text.ts';

/** Few enough for the 4000 characters of a message, and for the 25 options of a select. */
const MOST_JOBS = 10;

interface JobsDependencies {
  queue: Queue;
  port: Port;
  /** how long results are kept, milliseconds */
  keepMs: number;
}

/** `/jobs`: what became of a person's jobs, wherever they ask, seen by nobody else. */
export function createJobs({ queue, port, keepMs }: JobsDependencies) {
  return async function listJobs(interaction: APIChatInputApplicationCommandInteraction): Promise<void> {
    const views = await queue.jobsOf(userOf(interaction), MOST_JOBS);
    if (views.length === 0) return await port.answer(callOf(interaction), notice(text.noJobs), 'private');
    const lines = views.map((view) => text.jobLine(view, keepMs));
    const options = views.map(({ job }) => ({ ...text.jobOption(job), value: job.id }));
    const select = {
      type: ComponentType.ActionRow as const,
      components: [
        { type: ComponentType.StringSelect as const, custom_id: PICK_JOB, placeholder: text.pickJob, options },
      ],
    };
    await port.answer(callOf(interaction), jobsCard([text.jobs, ...lines, text.jobsKept(keepMs)], select), 'private');
  };
}
