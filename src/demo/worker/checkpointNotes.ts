import { digestOf } from '../../core/digest.ts';
import { formatSettings, SETTINGS_KEY, type Settings } from '../settings.ts';
import type { Halves } from './images.ts';

/** What a file of the page says beside what its trainer puts there. */
export interface Notes {
  /** The settings, as a link says them; empty where the file is not of this page. */
  readonly search: string;
  /** Steps and epochs of the trainers before, under other settings. */
  readonly before: number;
  readonly epochsBefore: number;
  /** The images that it learned from: what they are called, and by what they are told from others. */
  readonly title: string;
  readonly images: string;
}

const RUN_KEY = `${SETTINGS_KEY}.run`;

const digestOfImages = ({ train: { fields } }: Halves): string =>
  Object.values(fields)
    .map(({ data }) => digestOf(data))
    .join('');

/** As texts of a file. */
export function formatNotes(
  settings: Settings,
  halves: Halves,
  { before, epochsBefore }: Pick<Notes, 'before' | 'epochsBefore'>,
): Readonly<Record<string, string>> {
  const { title } = halves;
  const run = { before: String(before), epochsBefore: String(epochsBefore), title, images: digestOfImages(halves) };
  return { [SETTINGS_KEY]: formatSettings(settings), [RUN_KEY]: new URLSearchParams(run).toString() };
}

/** What a file's texts say; nothing where they are another's. */
export function parseNotes(texts: Readonly<Record<string, string>>): Notes {
  const run = new URLSearchParams(texts[RUN_KEY]);
  const [before, epochsBefore] = ['before', 'epochsBefore'].map((key) => Number(run.get(key)) || 0);
  const [title, images] = ['title', 'images'].map((key) => run.get(key) ?? '');
  return { search: texts[SETTINGS_KEY] ?? '', before, epochsBefore, title, images };
}

/** Why a run does not go on in the same bits on these images; none where it does, or nothing is known. */
export const strangenessOf = ({ title, images }: Notes, halves: Halves): readonly string[] =>
  images === '' || images === digestOfImages(halves)
    ? []
    : [`it learned from ${title}, and goes on with ${halves.title}: bring those first, and open it again`];
