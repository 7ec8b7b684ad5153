// The page: two demos, and a line that says where they train.

import type { Trainer } from '../index.ts';
import { Digits } from './digits.ts';
import { find } from './page.ts';
import { Spirals } from './spirals.ts';

function nameDevice({ backend, adapter }: Trainer): void {
  find('device', HTMLElement).textContent =
    backend === 'webgpu'
      ? `Trains by WebGPU on ${adapter}.`
      : 'This browser gives the page no WebGPU: it trains by the CPU reference, which is slow.';
}

const demos = [new Spirals(nameDevice), new Digits()];
const draw = (): void => demos.forEach((demo) => demo.draw());
matchMedia('(prefers-color-scheme: dark)').addEventListener('change', draw);
const resized = new ResizeObserver(draw);
for (const canvas of document.querySelectorAll('canvas')) resized.observe(canvas);
