import type { BackendEvent } from './backend.ts';

/** Log lines are shown in one line of a card; more of a longer one is of no use to anybody. */
const LONGEST_LINE = 1000;

/**
 * A bar as tqdm draws it: ` 36%|███▌      | 9/25 [00:04<00:07,  2.1it/s]`, perhaps with a description in front, perhaps
 * without the drawing, perhaps counted in thousands (`1.2k/5.0k`).
 */
const BAR =
  /(?:^|[\s:])\d{1,3}%(?:\s*\|[^|]*\|)?\s*(?<done>\d[\d.]*)(?<doneUnit>[kMGT]?)\/(?<total>\d[\d.]*)(?<totalUnit>[kMGT]?)\s*(?:\[|$)/;
const UNITS = new Map([
  ['', 1],
  ['k', 1e3],
  ['M', 1e6],
  ['G', 1e9],
  ['T', 1e12],
]);

/** What one message of a log says. Programs redraw a bar with a carriage return, which is a line end here. */
export function* readLog(message: string): Generator<BackendEvent> {
  for (const text of message.split(/[\r\n]+/)) {
    const line = text.slice(0, LONGEST_LINE);
    const progress = readBar(line);
    if (progress) yield progress;
    else if (line.trim() !== '') yield { type: 'log-line', line: line.trimEnd() };
  }
}

function readBar(line: string): BackendEvent | undefined {
  const { done, doneUnit, total, totalUnit } = BAR.exec(line)?.groups ?? {};
  const count = { done: inUnits(done, doneUnit), total: inUnits(total, totalUnit) };
  if (!(count.total > 0 && count.done <= count.total)) return undefined;
  return { type: 'progress-changed', ...count };
}

function inUnits(digits = '', unit = ''): number {
  return Math.round(Number.parseFloat(digits) * (UNITS.get(unit) ?? 1));
}
