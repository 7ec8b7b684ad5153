import { FormatError } from '../../core/errors.ts';
import { optionsOf, requireKind, requireSignal } from '../../core/argumentChecks.ts';
import type { Signal } from '../../core/globalTypes.ts';
import type { CatalogueEntry, CatalogueFile } from '../download/catalogue.ts';
import type { Dataset } from '../dataset.ts';
import { downloadFiles, type DownloadProgress } from '../download/mirrors.ts';
import { readMnistFiles } from './mnistFiles.ts';
import { usualPatience, type Patience } from '../download/downloadTimeouts.ts';
import type { Origin, Source } from '../fileSource.ts';
import type { Store } from '../download/fileStore.ts';
import { hasSums, sumOf } from '../download/checksum.ts';
import type { SyntheticDigitsOptions } from '../digits/syntheticDigits.ts';

/** How a set is loaded. */
export interface LoadOptions {
  /** Its files, in place of all that is looked through without it. */
  readonly source?: Source | undefined;
  /** Told while files are downloaded. */
  readonly progress?: ((progress: DownloadProgress) => void) | undefined;
  /** Ends a download. */
  readonly signal?: Signal | undefined;
  /** Told what the caller would not expect: synthetic digits, a cache that keeps nothing. `console.warn` if left out. */
  readonly warn?: ((text: string) => void) | undefined;
}

/** How a set in MNIST's form is loaded. */
export interface MnistOptions extends LoadOptions {
  /** What `mnist` draws where MNIST is not to be had: 10,000 and 2,000 digits, if left out. */
  readonly synthetic?: SyntheticDigitsOptions | undefined;
}

/** Samples to learn from, and others to be judged by: fields `image` and `label`. */
export interface Halves {
  readonly train: Dataset<'image' | 'label'>;
  readonly test: Dataset<'image' | 'label'>;
}

/** A set in two halves, and where it came from. */
export interface Mnist extends Halves {
  readonly origin: Origin;
}

/** What a page and Node differ in. */
export interface Platform {
  /** A page asks only mirrors that let it read. */
  readonly page: boolean;
  /** The folder that the environment names, or why it names none. @throws FormatError if it names one that is none */
  named(entry: CatalogueEntry): Promise<Source | string>;
  store(entry: CatalogueEntry): Promise<Store | null>;
  /** How a user brings the files. */
  readonly remedy: string;
  readonly patience?: Patience;
}

/** A set that takes the place of one which is not to be had. */
export interface StandIn {
  readonly title: string;
  /** Where it is from, for its origin. */
  readonly text: string;
  make(options: SyntheticDigitsOptions): Promise<Halves>;
}

type Told = Pick<LoadOptions, 'progress' | 'signal'> & { readonly warn: (text: string) => void };

const GIVEN: Origin = { kind: 'given', text: 'the files given' };

/** A file that is kept and is what it should be; what is damaged is thrown away. */
async function fromStore(store: Store, { name, bytes: size, sha256 }: CatalogueFile): Promise<Uint8Array | null> {
  const bytes = await store.read(name);
  if (!bytes || (bytes.length === size && (await sumOf(bytes)) === sha256)) return bytes;
  await store.remove(name).catch(() => undefined);
  return null;
}

/** The mirrors that can be asked from here. */
const mirrorsOf = ({ mirrors }: CatalogueEntry, page: boolean): readonly string[] =>
  mirrors.filter(({ cors }) => cors || !page).map(({ url }) => url);

/** The set's files from store and mirrors. @throws FormatError if they are not to be had; the signal's reason */
async function fetchFiles(
  entry: CatalogueEntry,
  { page, patience = usualPatience }: Platform,
  store: Store | null,
  { progress, signal, warn }: Told,
): Promise<Source> {
  if (!hasSums()) {
    throw new FormatError(
      `[${entry.name}] this page cannot check what it downloads: open it over https, or on localhost`,
    );
  }
  const files = new Map<string, Uint8Array>();
  for (const file of store ? entry.files : []) {
    const bytes = await fromStore(store!, file);
    if (bytes) files.set(file.name, bytes);
  }
  const missing = entry.files.filter(({ name }) => !files.has(name));
  const source = (origin: Origin): Source => Object.assign(async (name: string) => files.get(name) ?? null, { origin });
  if (missing.length === 0) return source({ kind: 'cache', text: store!.text });

  let unkept: unknown;
  const keep = async ({ name }: CatalogueFile, bytes: Uint8Array): Promise<void> => {
    files.set(name, bytes);
    await store?.write(name, bytes).catch((error: unknown) => (unkept ??= error));
  };
  const urls = mirrorsOf(entry, page);
  const { from } = await downloadFiles(entry, missing, urls, { patience, signal, page, store, progress }, keep);
  if (unkept instanceof Error) {
    warn(`[${entry.name}] ${store!.text} keeps nothing (${unkept.message}): the next run downloads the files again`);
  }
  return source({ kind: 'download', text: from });
}

/** A stand-in as a set that says what it is. */
export async function drawn(standIn: StandIn, options: SyntheticDigitsOptions): Promise<Mnist> {
  return { ...(await standIn.make(options)), origin: { kind: 'synthetic', text: standIn.text } };
}

/** A set in MNIST's form from what was given, or else from a named folder, the store, a mirror, or a stand-in. */
export async function load(
  entry: CatalogueEntry,
  given: Source | MnistOptions,
  platform: Platform,
  standIn?: StandIn,
): Promise<Mnist> {
  const { synthetic, ...options } = loadOptionsOf<MnistOptions>(entry, given, { synthetic: undefined });
  const instead = standIn && { ...standIn, draw: () => drawn(standIn, { signal: options.signal, ...synthetic }) };
  return loadSet(entry, (source) => readMnistFiles(source, entry), options, platform, instead);
}

/**
 * A set's options; a source that stands alone is one too.
 * @param own those that only this set has   @throws DataError for what is none, or of another kind
 */
export function loadOptionsOf<T extends LoadOptions>(
  { name }: CatalogueEntry,
  given: Source | T | undefined,
  own: { readonly [K in Exclude<keyof T, keyof LoadOptions>]-?: undefined },
): T {
  const usual = { source: undefined, progress: undefined, signal: undefined, warn: undefined, ...own };
  const said = typeof given === 'function' ? { source: given } : given;
  const options = optionsOf<object, object>(name, said, usual) as T;
  const { source, signal } = options;
  const isSource = source === undefined || typeof source === 'function';
  requireKind(name, 'source', source, isSource, "a function of a file's name, as files(…) or folder(…) makes it");
  requireSignal(name, signal);
  return options;
}

/** What takes a set's place, ready to be drawn. */
type Instead = Pick<StandIn, 'title' | 'text'> & { draw(): Promise<Mnist> };

/** A set from what was given, or else from a named folder, the store, a mirror, or what takes its place. */
export async function loadSet(
  entry: CatalogueEntry,
  readFiles: (source: Source) => Promise<Halves>,
  options: LoadOptions,
  platform: Platform,
  instead?: Instead,
): Promise<Mnist> {
  const { source, progress, signal, warn = (text) => console.warn(text) } = options;
  const read = async (files: Source): Promise<Mnist> => ({
    ...(await readFiles(files)),
    origin: files.origin ?? GIVEN,
  });
  signal?.throwIfAborted();
  if (source) return read(source);
  const named = await platform.named(entry);
  if (typeof named === 'function') return read(named);

  if (mirrorsOf(entry, platform.page).length === 0) {
    throw new FormatError(
      `[${entry.name}] no mirror of ${entry.title} lets a page read its files, and ${named}: ${platform.remedy}`,
    );
  }
  const store = await platform.store(entry);
  let fetched: Source;
  try {
    fetched = await fetchFiles(entry, platform, store, { progress, signal, warn });
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
    const why = `${error.message}; ${named}; ${store ? `${store.text} does not hold all of it` : 'there is no cache'}`;
    const { remedy } = platform;
    if (!instead) throw new FormatError(`${why}: connect to a network, or ${remedy}`, { cause: error });
    warn(
      `THIS IS NOT ${entry.title}, but ${instead.title} from ${instead.text}: for the real set connect to a network, or ${remedy}. Why: ${why}`,
    );
    return instead.draw();
  }
  return read(fetched);
}
