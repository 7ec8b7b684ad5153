import { FormatError } from '../core/errors.ts';
import { requireKind } from '../core/argumentChecks.ts';

/** Where a set of files or samples came from. */
export interface Origin {
  readonly kind: 'given' | 'folder' | 'cache' | 'download' | 'synthetic';
  /** The same for a reader, as it goes after "from": a path, an address, or a few words. */
  readonly text: string;
}

/**
 * Where files come from: the bytes of a file by its name, or null where there is none. It rejects where something of that
 * name is there and cannot be read; whoever knows other names looks for these first.
 */
export interface Source {
  (file: string): Promise<Uint8Array | null>;
  /** What is said of it; the files that were given, if left out. */
  readonly origin?: Origin;
}

/** A File, as far as it is asked. */
export interface NamedFile {
  readonly name: string;
  arrayBuffer(): Promise<ArrayBuffer>;
}

/**
 * Files that a page was given, by a drop or a file input, as a source. A folder that was dropped is among them and cannot
 * be read. @throws FormatError naming such a file, when it is asked for
 */
export function files(given: Iterable<NamedFile>): Source {
  const areFiles = typeof given === 'object' && given !== null && Symbol.iterator in given;
  requireKind('files', 'what is given', given, areFiles, 'a list of files: files(input.files)');
  return async (name) => {
    const file = [...given].find((other) => other.name === name);
    if (!file) return null;
    const bytes = await file.arrayBuffer().catch((cause: Error) => {
      throw new FormatError(
        `[files] ${name} cannot be read: ${cause.message}: if it is a folder, give the files that are in it`,
        { cause },
      );
    });
    return new Uint8Array(bytes);
  };
}

/** A file that was looked for under several names, and the one that it has. */
export interface Found {
  readonly name: string;
  readonly bytes: Uint8Array;
}

/**
 * The first of several names under which there is a file: here, or one level down in a folder of such a name, as archives
 * are unpacked. What cannot be read under one name may well lie under another, so it is told only if nothing else is there.
 * @param below folders to look through too, each with a slash behind
 * @throws what the source said of the first that could not be read
 */
export async function firstOf(
  source: Source,
  names: readonly string[],
  below: readonly string[] = [],
): Promise<Found | null> {
  const unreadable: unknown[] = [];
  for (const folder of ['', ...below, ...names.map((other) => `${other}/`)]) {
    for (const name of names) {
      try {
        const bytes = await source(folder + name);
        if (bytes) return { name, bytes };
      } catch (error) {
        unreadable.push(error);
      }
    }
  }
  if (unreadable.length > 0) throw unreadable[0];
  return null;
}
