/** An element with what it holds and what it is set to. */
export function element<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  children: string | readonly (Node | string)[] = [],
  properties: Partial<HTMLElementTagNameMap[K]> = {},
): HTMLElementTagNameMap[K] {
  const made = document.createElement(tag);
  made.append(...(typeof children === 'string' ? [children] : children));
  return Object.assign(made, properties);
}
