import { find, show } from './page.ts';

const DIGITS = Array.from({ length: 10 }, (_, digit) => digit);
/** What a tab has that was opened without saying so. */
const USUAL = '01234';

const DRAWN = 'Has digits that this page draws, until it is given MNIST.';

const filesText = ({ length }: readonly File[]): string => (length === 1 ? 'one file' : `${length} files`);

/** Who a tab's person is, and whether they are in. */
export class PersonForm {
  readonly #form = find('controls', HTMLFormElement);
  readonly #seed: HTMLInputElement;
  readonly #files = find('files', HTMLInputElement);
  readonly #draw = find('draw', HTMLButtonElement);
  readonly #boxes: readonly HTMLInputElement[];
  readonly #changed: (digits: readonly number[]) => void;
  readonly #buttons = { join: find('join', HTMLButtonElement), leave: find('leave', HTMLButtonElement) };

  /** @param told called as the person joins, leaves, or has other digits */
  constructor(told: {
    readonly join: () => void;
    readonly leave: () => void;
    readonly changed: (digits: readonly number[]) => void;
  }) {
    const inputs = [...this.#form.elements].filter((field) => field instanceof HTMLInputElement);
    this.#boxes = inputs.filter(({ type }) => type === 'checkbox');
    this.#seed = inputs.find(({ name }) => name === 'seed')!;
    this.#changed = told.changed;
    this.#form.addEventListener('change', () => this.#tell());
    this.#files.addEventListener('change', () => this.#tell());
    this.#draw.addEventListener('click', () => {
      this.#files.value = '';
      this.#tell();
    });
    this.#form.addEventListener('submit', (event) => {
      event.preventDefault();
      told.join();
    });
    this.#buttons.leave.addEventListener('click', told.leave);
  }

  /** Takes what the page's address says: `?digits=567&seed=2`. */
  open(): void {
    const asked = new URLSearchParams(location.search);
    const digits = asked.get('digits') ?? USUAL;
    for (const box of this.#boxes) box.checked = digits.includes(box.value);
    this.#seed.value = String(Number(asked.get('seed')) || 1);
    this.#tell();
  }

  get digits(): readonly number[] {
    return this.#boxes.filter(({ checked }) => checked).map(({ value }) => Number(value));
  }

  /** MNIST's files, if they chose any. */
  get given(): readonly File[] {
    return [...(this.#files.files ?? [])];
  }

  get seed(): number {
    return this.#seed.valueAsNumber;
  }

  /** What can be pressed: nothing may be changed while the person is in. */
  allow(what: 'join' | 'leave' | 'nothing'): void {
    for (const field of [...this.#boxes, this.#seed, this.#files]) field.disabled = what !== 'join';
    this.#draw.disabled = what !== 'join' || this.given.length === 0;
    this.#buttons.join.disabled = what !== 'join';
    this.#buttons.leave.disabled = what !== 'leave';
  }

  /** Somebody has a digit at least; who comes next has those that are left, or all. */
  #tell(): void {
    const { digits, given } = this;
    this.#draw.disabled = given.length === 0;
    show(
      'origin',
      given.length === 0 ? DRAWN : `Takes its digits from ${filesText(given)}. They stay on your computer.`,
    );
    this.#boxes[0].setCustomValidity(digits.length === 0 ? 'Choose a digit at least.' : '');
    const others = DIGITS.filter((digit) => !digits.includes(digit));
    const link = find('other', HTMLAnchorElement);
    link.textContent = `Open a tab that has ${others.length > 0 ? 'the other digits' : 'all digits too'}`;
    link.search = new URLSearchParams({
      digits: (others.length > 0 ? others : DIGITS).join(''),
      seed: String((this.seed || 1) + 1),
    }).toString();
    this.#changed(digits);
  }
}
