import { expect, test } from 'vitest';
import { markdownOf } from '../../bench/markdown.ts';
import type { Report } from '../../bench/report.ts';

const timed = { samples: [1], median: 0.002, q1: 0.0019, q3: 0.0021, times: 1 };

const report: Report = {
  date: '2030-01-02T03:04:05.678Z',
  runtime: 'A browser | 1',
  machine: { cores: 4, system: 'Linux' },
  adapter: { name: 'a card', vendor: '', architecture: '', software: false },
  toggles: [],
  scale: 'quick',
  rounds: 3,
  seconds: 0.05,
  peers: [
    { name: 'millrace', version: '1.2' },
    { name: 'off', version: '3' },
    { name: 'gone', unavailable: 'no it' },
  ],
  results: [
    {
      group: 'mlp step',
      name: 'small',
      of: 'step',
      rows: [
        { peer: 'millrace', correct: true, ...timed, counts: { dispatchWorkgroups: 7, submit: 0.1 } },
        { peer: 'off', correct: false, error: 1, tolerance: 1e-6 },
        { peer: 'gone', unavailable: 'no it' },
      ],
    },
  ],
};

test('a run as Markdown has its circumstances, sentences, figures, calls and notes', () => {
  expect(markdownOf(report, ['The GPU is ahead.'])).toBe(`# millrace beside others

- Adapter: a card
- Runtime: A browser | 1
- Machine: 4 logical cores, Linux
- Date: 2030-01-02 03:04 UTC
- Samples: 3 of at least 50 ms, of training steps 500 ms, for each peer in each case; quick sizes

- The GPU is ahead.

| median ± half the quartiles’ distance | millrace 1.2 | off 3 | gone |
| --- | ---: | ---: | ---: |
| mlp step, small | 2.00 ms ± 5 % | wrong | – |

| calls of a step | launches | submits | bind groups | buffers | writes | maps |
| --- | ---: | ---: | ---: | ---: | ---: | ---: |
| small: millrace | 7 | 0.1 | 0 | 0 | 0 | 0 |

- off: wrong: off by 1.0e+0 where 1.0e-6 is allowed (mlp step/small)
- gone: no it (mlp step/small)
`);
});

test('a bar in a name does not end its cell', () => {
  const [result] = report.results;
  expect(markdownOf({ ...report, results: [{ ...result, name: 'a | b' }] }, [])).toContain('| mlp step, a \\| b |');
});
