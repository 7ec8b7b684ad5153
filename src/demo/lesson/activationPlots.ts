import { nextFrame } from '../page.ts';
import { ACTIVATIONS, valuesOf } from './activationValues.ts';
import { element, show } from './elements.ts';
import { Plot } from './plot.ts';

const FAR = 5;
const PLACES = Array.from({ length: 201 }, (_, i) => (FAR * (i - 100)) / 100);
const HEIGHT = 190;

function figureOf(name: string): HTMLElement {
  const plot = new Plot({
    label: `${name} and its derivative from z = −5 to 5; the slider below reads both in numbers`,
    lines: [
      { label: name, color: '--one' },
      { label: 'derivative', color: '--two', dash: [6, 4] },
    ],
    height: HEIGHT,
    x: [-FAR, FAR],
    y: [-1.2, 2.2],
  });
  const { f, df } = valuesOf(ACTIVATIONS[name], PLACES);
  plot.show(PLACES, [[...f], [...df]]);
  return element('figure', {}, plot.element, element('figcaption', {}, name));
}

/** What each activation and its slope are at one place, as a table. */
function tableAt(z: number): HTMLElement {
  const rows = Object.entries(ACTIVATIONS).map(([name, activation]) => {
    const { f, df } = valuesOf(activation, [z]);
    const cells = [f[0], df[0]].map((number) => element('td', {}, show(number)));
    return element('tr', {}, element('th', { scope: 'row' }, name), ...cells);
  });
  const heads = [`at z = ${show(z, 1)}`, 'value', 'slope'].map((text) => element('th', { scope: 'col' }, text));
  return element('table', {}, element('thead', {}, element('tr', {}, ...heads)), element('tbody', {}, ...rows));
}

/** Draws the activations over their derivatives, with a slider that reads both at a place. */
export async function showActivations(host: HTMLElement): Promise<void> {
  const slider = element('input', { type: 'range', min: String(-FAR), max: String(FAR), step: '0.1', value: '1' });
  const read = element('div', { class: 'scroll' });
  const update = (): void => read.replaceChildren(tableAt(slider.valueAsNumber));
  slider.addEventListener('input', update);
  const names = [element('span', { class: 'one' }, 'activation'), element('span', { class: 'two' }, 'derivative')];
  const plots = element('div', { class: 'plots' });
  host.replaceChildren(
    element('p', { class: 'key' }, ...names),
    plots,
    element('label', { class: 'slider' }, 'Read the curves at z', slider),
    read,
  );
  update();
  for (const name of Object.keys(ACTIVATIONS)) {
    await nextFrame();
    plots.append(figureOf(name));
  }
}
