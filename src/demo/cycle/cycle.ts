import { columnsOf, functionName } from './columns.ts';
import { formulasOf } from './formulas.ts';
import { tablesOf } from './numbers.ts';
import { stages, type Glance, type Stage } from '../protocol.ts';
import { lettersOf, sentenceOf } from './sentences.ts';
import { Tables } from './tables.ts';

/** What a glance does not say of how it was made. */
export interface CycleFacts {
  /** `sgd`, `adam` … */
  readonly optimizer?: string | undefined;
  readonly learningRate?: number | undefined;
  /** `relu`, `sigmoid` … */
  readonly activation?: string | undefined;
}

const names: Readonly<Record<Stage, string>> = {
  forward: 'Forward',
  loss: 'Loss',
  backward: 'Backward',
  update: 'Update',
};

/** The cycle of learning for one digit, stage by stage: a sentence, a formula, and the numbers. */
export class Cycle {
  /** Between the formula and the numbers, for a picture of the stage. */
  readonly picture = document.createElement('div');
  readonly #onStage: (stage: Stage, around: boolean) => void;
  readonly #buttons: ReadonlyMap<Stage, HTMLButtonElement>;
  readonly #sentence = document.createElement('p');
  readonly #spoken = document.createElement('p');
  readonly #formula = document.createElement('p');
  readonly #letters = document.createElement('p');
  readonly #tables: Tables;
  #stage: Stage = 'forward';
  #glance: Glance | null = null;
  #facts: CycleFacts = {};

  /** @param onStage told when a person goes to another stage, and whether by going on behind the last one */
  constructor(host: HTMLElement, onStage: (stage: Stage, around: boolean) => void) {
    this.#onStage = onStage;
    this.#buttons = new Map(stages.map((stage, at) => [stage, stageButton(at, names[stage])]));
    this.#sentence.className = 'cycle-sentence';
    this.#formula.className = 'cycle-formula';
    this.#letters.className = 'cycle-letters';
    this.#spoken.className = 'spoken';
    this.#spoken.setAttribute('role', 'status');
    const title = document.createElement('h3');
    title.textContent = 'The numbers';
    const tables = document.createElement('div');
    tables.className = 'cycle-tables';
    this.#tables = new Tables(tables);
    this.picture.className = 'cycle-picture';
    host.classList.add('cycle');
    host.append(
      this.#stepper(),
      this.#sentence,
      this.#spoken,
      this.#formula,
      this.#letters,
      this.picture,
      title,
      tables,
    );
    this.#mark();
  }

  get stage(): Stage {
    return this.#stage;
  }

  /** Shows another stage, as if it had been chosen; nobody is told. */
  set stage(stage: Stage) {
    if (stage === this.#stage) return;
    this.#stage = stage;
    this.#mark();
    this.#write();
  }

  show(glance: Glance, facts: CycleFacts = this.#facts): void {
    [this.#glance, this.#facts] = [glance, facts];
    this.#write();
  }

  #stepper(): HTMLElement {
    const group = document.createElement('div');
    group.className = 'cycle-steps';
    group.setAttribute('role', 'group');
    group.setAttribute('aria-label', 'Stages of the learning cycle');
    const next = document.createElement('button');
    next.type = 'button';
    next.className = 'primary';
    next.textContent = 'Next';
    next.addEventListener('click', () => this.#go(this.#beside(1), this.#stage === stages.at(-1)));
    for (const [stage, button] of this.#buttons) button.addEventListener('click', () => this.#go(stage));
    group.addEventListener('keydown', (event) => {
      const step = event.key === 'ArrowRight' ? 1 : event.key === 'ArrowLeft' ? -1 : 0;
      if (step === 0) return;
      event.preventDefault();
      this.#go(this.#beside(step));
      this.#buttons.get(this.#stage)!.focus();
    });
    group.append(...this.#buttons.values(), next);
    return group;
  }

  /** The stage after this one or before it, around and around. */
  #beside(step: 1 | -1): Stage {
    return stages[(stages.indexOf(this.#stage) + step + stages.length) % stages.length];
  }

  #go(stage: Stage, around = false): void {
    this.stage = stage;
    // Read aloud only where a person asked for it: in training it changes many times a second.
    this.#spoken.textContent = this.#sentence.textContent;
    this.#onStage(stage, around);
  }

  #mark(): void {
    for (const [stage, button] of this.#buttons) {
      if (stage === this.#stage) button.setAttribute('aria-current', 'step');
      else button.removeAttribute('aria-current');
    }
  }

  #write(): void {
    const [glance, facts] = [this.#glance, this.#facts];
    if (!glance) return;
    const [hidden] = columnsOf(glance).slice(1, -1);
    const activation = hidden && (facts.activation ?? hidden.activation);
    const formulas = formulasOf(this.#stage, glance, {
      activation: activation ? functionName(activation) : null,
      hidden: hidden?.kind ?? null,
      optimizer: facts.optimizer,
      learningRate: facts.learningRate,
    });
    this.#formula.replaceChildren(...formulas);
    this.#letters.textContent = lettersOf(this.#stage, hidden !== undefined);
    this.#sentence.textContent = sentenceOf(glance, this.#stage);
    this.#tables.show(tablesOf(glance, this.#stage));
  }
}

function stageButton(at: number, text: string): HTMLButtonElement {
  const button = document.createElement('button');
  button.type = 'button';
  button.textContent = `${at + 1} ${text}`;
  return button;
}
