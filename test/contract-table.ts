import type { Reporter } from 'vitest/node';

/** What a test of the contract is: a case of a backend. */
export interface ContractCell {
  readonly backend: string;
  readonly case: string;
  /** why the service cannot do it, where it cannot */
  readonly lack?: string;
  /** the backend says itself that it does not do this, and the case has seen that it keeps its word */
  declined?: boolean;
}

declare module 'vitest' {
  interface TaskMeta {
    contract?: ContractCell;
  }
}

export interface ContractResult extends ContractCell {
  readonly state: 'passed' | 'failed' | 'skipped' | 'pending';
}

/** Prints one table of all backends that ran the contract, from what the tests came to; nothing where none ran. */
export function createContractTable(write = (text: string): unknown => process.stdout.write(text)): Reporter {
  return {
    onTestRunEnd(modules) {
      const results = modules.flatMap((module) =>
        [...module.children.allTests()].flatMap((test) => {
          const { contract } = test.meta();
          return contract ? [{ ...contract, state: test.result().state }] : [];
        }),
      );
      if (results.some(({ state }) => state === 'passed' || state === 'failed')) write(`\n${drawTable(results)}\n`);
    },
  };
}

/** A case a line and a backend a column, with what is lacking said below. */
export function drawTable(results: readonly ContractResult[]): string {
  const cases = [...new Set(results.map((result) => result.case))];
  const backends = [...new Set(results.map(({ backend }) => backend))].toSorted();
  const reasons = [...new Set(results.flatMap(({ lack }) => lack ?? []))];
  const first = Math.max(...cases.map(({ length }) => length));
  const line = (name: string, cells: readonly string[]) =>
    `${name.padEnd(first)} ${cells.map((cell) => ` ${cell.padEnd(4)}`).join('')}`.trimEnd();

  function cellOf(backend: string, name: string): string {
    const result = results.find((one) => one.backend === backend && one.case === name);
    if (!result) return 'HOLE';
    if (result.state === 'failed') return 'FAIL';
    if (result.lack !== undefined) return `(${reasons.indexOf(result.lack) + 1})`;
    if (result.state !== 'passed') return '·';
    return result.declined === true ? 'no' : 'ok';
  }

  const numbers = backends.map((_, index) => String.fromCodePoint(65 + index));
  return [
    line('The contract of backends', []),
    ...backends.map((backend, index) => `  ${numbers[index]}  ${backend}`),
    '',
    line('', numbers),
    ...cases.map((name) =>
      line(
        name,
        backends.map((backend) => cellOf(backend, name)),
      ),
    ),
    '',
    '  no   the backend says itself that it does not do this, and keeps its word',
    ...(results.some(({ state, lack }) => state === 'skipped' && lack === undefined) ? ['  ·    did not run'] : []),
    ...reasons.map((reason, index) => `  ${`(${index + 1})`.padEnd(4)} ${reason}`),
  ].join('\n');
}
