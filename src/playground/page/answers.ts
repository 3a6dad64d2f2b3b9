import { ApplicationCommandOptionType } from 'discord-api-types/v10';
import type { CommandOption, SlashCommand } from './commands.ts';

export type Answers = ReadonlyMap<string, string | File>;

/** What is wrong with the answers, by option, in words; the playground checks again. */
export function problemsOf(command: SlashCommand, answers: Answers): Map<string, string> {
  const problems = new Map<string, string>();
  for (const option of command.options) {
    const problem = problemOf(option, answers.get(option.name));
    if (problem !== undefined) problems.set(option.name, problem);
  }
  return problems;
}

function problemOf(option: CommandOption, answer: string | File | undefined): string | undefined {
  if (answer === undefined || answer === '') {
    if (option.required !== true) return undefined;
    return option.type === ApplicationCommandOptionType.Attachment
      ? 'A file is needed: drop one here, paste one, or choose it.'
      : 'This is needed.';
  }
  if (typeof answer !== 'string') return undefined;
  if (option.type === ApplicationCommandOptionType.String) {
    const { min_length: min = 0, max_length: max = 6000 } = option;
    if (answer.length < min) return `At least ${min} characters, please.`;
    if (answer.length > max) return `${answer.length} characters: at most ${max} are allowed.`;
  }
  if (option.type === ApplicationCommandOptionType.Integer || option.type === ApplicationCommandOptionType.Number) {
    const whole = option.type === ApplicationCommandOptionType.Integer;
    // An autocompleted number may have a name that is not one; what is sent is its value.
    if (!(whole ? /^-?\d+$/ : /^-?\d+(\.\d+)?$/).test(answer)) {
      return whole ? 'A whole number, please.' : 'A number, please.';
    }
    if (option.min_value !== undefined && Number(answer) < option.min_value) {
      return `At least ${option.min_value}, please.`;
    }
    if (option.max_value !== undefined && Number(answer) > option.max_value) {
      return `At most ${option.max_value}, please.`;
    }
  }
  return undefined;
}

/** Answers that were given; an option left empty is not sent. */
export function givenOnly(answers: Answers): Answers {
  return new Map([...answers].filter(([, answer]) => answer !== ''));
}

/** What a person has to know of an option beside its description. */
export function limitsOf(option: CommandOption): string {
  if (option.type === ApplicationCommandOptionType.Integer || option.type === ApplicationCommandOptionType.Number) {
    const { min_value: min, max_value: max } = option;
    if (min !== undefined && max !== undefined) return `${min} to ${max}`;
    if (min !== undefined) return `at least ${min}`;
    if (max !== undefined) return `at most ${max}`;
  }
  if (option.type === ApplicationCommandOptionType.String && option.max_length !== undefined) {
    return `at most ${option.max_length} characters`;
  }
  return '';
}
