import { find } from '../src/demo/page.ts';
import { element } from './elements.ts';

/** A run as text, in both forms. */
export interface Kept {
  readonly date: string;
  readonly json: string;
  readonly markdown: string;
}

function save({ date, json }: Kept): void {
  const href = URL.createObjectURL(new Blob([json], { type: 'application/json' }));
  element('a', '', { href, download: `bench-${date.slice(0, 16).replace(/\D/g, '')}.json` }).click();
  URL.revokeObjectURL(href);
}

/** The buttons that copy and save what `current` returns, and the line that says that it is done. */
export function offerToKeep(current: () => Kept | undefined): void {
  const said = find('kept', HTMLElement);
  const copy = async (form: 'json' | 'markdown', name: string): Promise<void> => {
    const kept = current();
    if (!kept) return;
    try {
      await navigator.clipboard.writeText(kept[form]);
      said.textContent = `Copied as ${name}.`;
    } catch {
      said.textContent = 'The browser does not let this page copy: save the JSON instead.';
    }
  };
  find('copy-json', HTMLButtonElement).addEventListener('click', () => void copy('json', 'JSON'));
  find('copy-markdown', HTMLButtonElement).addEventListener('click', () => void copy('markdown', 'Markdown'));
  find('save', HTMLButtonElement).addEventListener('click', () => {
    const kept = current();
    if (!kept) return;
    save(kept);
    said.textContent = 'Saved as JSON.';
  });
}
