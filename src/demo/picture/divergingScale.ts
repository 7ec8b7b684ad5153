/** A bar of the colours of numbers between what its ends mean. */
export function divergingScale(): { readonly element: HTMLElement; label(below: string, above: string): void } {
  const element = document.createElement('span');
  element.className = 'diverging';
  const [low, bar, high] = [0, 1, 2].map(() => document.createElement('span'));
  bar.className = 'diverging-bar';
  element.append(low, bar, high);
  return {
    element,
    label(below, above) {
      [low.textContent, high.textContent] = [below, above];
    },
  };
}
