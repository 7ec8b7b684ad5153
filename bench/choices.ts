import { find } from '../src/demo/page.ts';
import { element } from './elements.ts';
import { sides, SUBJECT } from './peers/sides.ts';
import { suite, type Case, type Scale } from './suite.ts';

/** What a first look is about; the rest of the suite is a choice. */
const FIRST_GROUPS = ['matmul', 'mlp step', 'cnn step'];
const LEFT_OUT_AT_FIRST = ['millrace, a submit a step', 'TensorFlow.js cpu'];

/** What is chosen when a run begins. */
export interface Chosen {
  readonly scale: Scale;
  readonly rounds: number;
  readonly cases: readonly Case[];
  /** By name, the subject first. */
  readonly peers: readonly string[];
}

function offer(id: string, names: readonly string[], checked: (name: string) => boolean): void {
  const boxes = names.map((name) => {
    const box = element('input', '', { type: 'checkbox', name: id, value: name, checked: checked(name) });
    return element('label', [box, name]);
  });
  find(id, HTMLElement).append(...boxes);
}

/** Fills the form with what there is to choose. */
export function offerChoices(): void {
  const groups = new Set(suite('hardware').map(({ group }) => group));
  offer('groups', [...groups], (name) => FIRST_GROUPS.includes(name));
  const others = [...sides.keys()].filter((name) => name !== SUBJECT);
  offer('peers', others, (name) => !LEFT_OUT_AT_FIRST.includes(name));
}

/** What the form says. */
export function chosen(form: HTMLFormElement): Chosen {
  const data = new FormData(form);
  const scale = find('scale', HTMLSelectElement).value as Scale;
  const groups = data.getAll('groups');
  return {
    scale,
    rounds: find('rounds', HTMLInputElement).valueAsNumber,
    cases: suite(scale).filter(({ group }) => groups.includes(group)),
    peers: [SUBJECT, ...data.getAll('peers').map(String)],
  };
}
