/** Where a set of files or samples came from. */
export interface Origin {
  readonly kind: 'given' | 'folder' | 'cache' | 'download' | 'synthetic';
  /** The same for a reader, as it goes after "from": a path, an address, or a few words. */
  readonly text: string;
}

/** Where files come from: the bytes of a file by its name, or null where there is none. */
export interface Source {
  (file: string): Promise<Uint8Array | null>;
  /** What is said of it; the files that were given, if left out. */
  readonly origin?: Origin;
}

/** Files that a page was given, by a drop or a file input, as a source. */
export const files =
  (given: Iterable<File>): Source =>
  async (name) => {
    const file = [...given].find((other) => other.name === name);
    return file ? new Uint8Array(await file.arrayBuffer()) : null;
  };
