/** The element of an id. */
export function find<E extends Element>(id: string, kind: new () => E): E {
  const element = document.getElementById(id);
  if (!(element instanceof kind)) throw new Error(`[page] #${id} is not a ${kind.name}`);
  return element;
}

const HIDDEN_FRAME_MS = 250;

/** When the page has painted. A hidden page paints nothing, and should go on all the same. */
export const nextFrame = (): Promise<unknown> =>
  new Promise((resolve) => {
    requestAnimationFrame(resolve);
    setTimeout(resolve, HIDDEN_FRAME_MS);
  });

export const percent = (share: number, digits = 1): string => `${(100 * share).toFixed(digits)} %`;

/** Puts a text where an id says; what stands there already is not read aloud again. */
export const put = (id: string, text: string): void => {
  const element = find(id, HTMLElement);
  if (element.textContent !== text) element.textContent = text;
};

/** Calls for the drawings anew when the colours or the room for them change. */
export function onLook(element: Element, draw: () => void, recolor = draw): void {
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', recolor);
  new ResizeObserver(draw).observe(element);
}
