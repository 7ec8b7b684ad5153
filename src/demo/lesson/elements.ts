type Attributes = Readonly<Record<string, string>>;

function filled<E extends Element>(made: E, attributes: Attributes, children: readonly (Element | string)[]): E {
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...children);
  return made;
}

/** A new element with its attributes and what stands in it. */
export const element = <K extends keyof HTMLElementTagNameMap>(
  name: K,
  attributes: Attributes = {},
  ...children: readonly (Element | string)[]
): HTMLElementTagNameMap[K] => filled(document.createElement(name), attributes, children);

/** The same for a drawing. */
export const svg = <K extends keyof SVGElementTagNameMap>(
  name: K,
  attributes: Attributes = {},
  ...children: readonly (Element | string)[]
): SVGElementTagNameMap[K] =>
  filled(document.createElementNS('http://www.w3.org/2000/svg', name), attributes, children);

/** A number to so many places, with a real minus. */
export const show = (number: number, places = 4): string => number.toFixed(places).replace('-', '−');
