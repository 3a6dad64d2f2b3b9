import { describe, expect, test } from 'vitest';
import { readLog } from '../../src/backends/log-lines.ts';

describe('a log message', () => {
  test.for([
    [' 36%|███▌      | 9/25 [00:04<00:07,  2.1it/s]', 9, 25],
    ['  0%|          | 0/25 [00:00<?, ?it/s]', 0, 25],
    ['100%|##########| 25/25 [00:11<00:00,  2.27it/s]', 25, 25],
    ['USDU: Tiles:  44%|####4     | 4/9 [00:04<00:05,  1.0s/it]', 4, 9],
    ['Sampling:36%|| 9/25 [00:04<00:07]', 9, 25],
    [' 36% 9/25 [00:04<00:07,  2.1it/s]', 9, 25],
    ['  5%|5 | 1.2k/24.0k [00:01<00:20]', 1200, 24_000],
    ['model.safetensors:  50%|█████     | 1.50G/3.00G [00:10<00:10, 150MB/s]', 1.5e9, 3e9],
  ] as const)('%j is progress', ([line, done, total]) => {
    expect([...readLog(line)]).toEqual([{ type: 'progress-changed', done, total }]);
  });

  test.for([
    'Prompt executed in 241.30 seconds',
    'loaded 9/25 layers',
    '50% of 3/4 done',
    '0%| | 0/0 [00:00<?, ?it/s]',
    '100%|#| 30/25 [00:01<00:00]',
    '12it [00:04,  2.1it/s]',
  ])('%j is a line', (line) => {
    expect([...readLog(line)]).toEqual([{ type: 'log-line', line }]);
  });

  test('is taken apart at every kind of line end, without empty lines', () => {
    expect([...readLog('a\r\n\r\n  b \n 50%|# | 1/2 [00:01<00:01]\rc\r')]).toEqual([
      { type: 'log-line', line: 'a' },
      { type: 'log-line', line: '  b' },
      { type: 'progress-changed', done: 1, total: 2 },
      { type: 'log-line', line: 'c' },
    ]);
  });

  test('of a megabyte is cut, quickly', () => {
    const began = performance.now();
    for (const hostile of ['1%', ' 1%|', '9', '1%|||', '% ']) {
      const [event] = readLog(hostile.repeat(500_000));
      expect(event?.type === 'log-line' ? event.line.length : 0).toBeLessThanOrEqual(1000);
    }
    expect(performance.now() - began).toBeLessThan(1000);
  });
});
