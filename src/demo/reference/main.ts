// The reference: all of it is there already; this finds things in it.

import { matches } from './search.ts';

const finder = document.querySelector<HTMLElement>('#finder')!;
const search = document.querySelector<HTMLInputElement>('#search')!;
const found = document.querySelector<HTMLElement>('#found')!;

const articles = [...document.querySelectorAll<HTMLElement>('.families article')].map((article) => ({
  article,
  name: article.querySelector('h3')!.textContent,
  sentence: article.querySelector('.from + p')?.textContent ?? '',
}));
const sections = [...document.querySelectorAll<HTMLElement>('.families section')];

function show(): void {
  const query = search.value.trim();
  let count = 0;
  for (const entry of articles) {
    const is = matches(entry, query);
    entry.article.hidden = !is;
    if (is) count++;
  }
  for (const section of sections) section.hidden = section.querySelector('article:not([hidden])') === null;
  found.textContent = query === '' ? '' : count === 0 ? 'Nothing is called so.' : `${count} of ${articles.length}`;
}

search.addEventListener('input', show);

document.addEventListener('keydown', (event) => {
  if (event.target === search) {
    if (event.key === 'Escape') {
      search.value = '';
      show();
    }
    // To the first that was found, as a click on its name.
    if (event.key === 'Enter')
      sections
        .find(({ hidden }) => !hidden)
        ?.querySelector<HTMLElement>('article:not([hidden]) h3 a')
        ?.focus();
  } else if (event.key === '/' && !event.ctrlKey && !event.metaKey && !event.altKey) {
    event.preventDefault();
    search.focus();
    search.select();
  }
});

// Whoever follows a link to what the search hides sees it.
window.addEventListener('hashchange', () => {
  const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
  if (!target?.closest('[hidden]')) return;
  search.value = '';
  show();
  target.scrollIntoView();
});

finder.hidden = false;
