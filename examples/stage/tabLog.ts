import { find } from './page.ts';

/** What is kept of a long life. */
const LINES = 200;
/** Pixels from its end at which a list is read to it. */
const NEAR = 8;

/** What happened to a tab's node, the newest last. */
export class TabLog {
  readonly #list: HTMLOListElement;

  /** @param id of the list that it fills */
  constructor(id: string) {
    this.#list = find(id, HTMLOListElement);
  }

  say(text: string, isWrong = false): void {
    const [item, time] = [document.createElement('li'), document.createElement('time')];
    time.textContent = new Date().toLocaleTimeString('en-GB');
    item.append(time, ` ${text}`);
    item.classList.toggle('wrong', isWrong);
    const { scrollTop, clientHeight, scrollHeight } = this.#list;
    const isAtEnd = scrollTop + clientHeight >= scrollHeight - NEAR;
    this.#list.append(item);
    while (this.#list.childElementCount > LINES) this.#list.firstElementChild!.remove();
    // Who reads what was before is not carried away.
    if (isAtEnd) this.#list.scrollTop = this.#list.scrollHeight;
  }
}
