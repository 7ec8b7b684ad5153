import { find, percent, show } from './page.ts';

const names = ['A', 'B', 'C'] as const;

export const CLASSES = names.length;

/** A page's classes: a button for each, that is held while it is shown, and how sure the network is of it. */
export class Lessons {
  readonly #buttons = names.map((name) => find(`show-${name}`, HTMLButtonElement));
  /** Whose button is held, and whose was held too shortly for a picture, or pressed by what holds nothing. */
  #held: number | null = null;
  #tapped: number | null = null;
  #isTaken = false;
  #forgets = false;

  constructor() {
    this.#buttons.forEach((button, at) => this.#listenTo(button, at));
    find('forget', HTMLButtonElement).addEventListener('click', () => (this.#forgets = true));
  }

  /** Whether all is to be forgotten. */
  takeForget(): boolean {
    const forgets = this.#forgets;
    this.#forgets = false;
    return forgets;
  }

  /** Which class is shown now. */
  takeShown(): number | null {
    const shown = this.#held ?? this.#tapped;
    this.#isTaken ||= this.#held !== null;
    this.#tapped = null;
    return shown;
  }

  #listenTo(button: HTMLButtonElement, at: number): void {
    const hold = (): void => this.#hold(at);
    const release = (): void => this.#hold(null);
    button.addEventListener('pointerdown', (event) => {
      button.setPointerCapture(event.pointerId);
      hold();
    });
    for (const end of ['pointerup', 'pointercancel', 'lostpointercapture', 'blur', 'keyup']) {
      button.addEventListener(end, release);
    }
    button.addEventListener('keydown', (event) => {
      if (!event.repeat && (event.key === ' ' || event.key === 'Enter')) hold();
    });
    button.addEventListener('click', () => {
      if (!this.#isTaken) this.#tapped = at;
      this.#isTaken = false;
    });
    // A finger that rests on it means no menu.
    button.addEventListener('contextmenu', (event) => event.preventDefault());
    document.addEventListener('visibilitychange', release);
  }

  #hold(held: number | null): void {
    this.#held = held;
    if (held !== null) this.#isTaken = false;
    this.#buttons.forEach((button, at) => (button.ariaPressed = String(at === held)));
  }

  /** How many pictures of each class were taken. */
  count(counts: readonly number[]): void {
    names.forEach((name, at) => show(`count-${name}`, counts[at].toLocaleString('en')));
  }

  /** How sure the network is of each; null where it knows too little. */
  tell(shares: ArrayLike<number> | null): void {
    names.forEach((name, at) => {
      find(`bar-${name}`, HTMLProgressElement).value = shares?.[at] ?? 0;
      show(`share-${name}`, shares ? percent(shares[at], 0) : '–');
    });
    const likeliest = names[Array.from(shares ?? []).indexOf(Math.max(...Array.from(shares ?? [])))];
    show('told', shares ? `This looks like ${likeliest}.` : 'Show it two classes at least.');
  }
}
