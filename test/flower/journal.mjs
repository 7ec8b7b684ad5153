// What is told bit by bit, and waited for.

/**
 * @template T
 * @returns what was told so far, and who waits for more
 */
export function journal() {
  /** @type {T[]} */
  const entries = [];
  /** @type {Set<{ wanted: (entry: T) => boolean, resolve: (entry: T) => void, reject: (error: Error) => void }>} */
  const waiting = new Set();
  /** @type {Error | undefined} */
  let over;
  return {
    entries,
    /** @param {T} entry */
    tell(entry) {
      entries.push(entry);
      for (const one of waiting) {
        if (!one.wanted(entry)) continue;
        waiting.delete(one);
        one.resolve(entry);
      }
    },
    /** Nothing more comes. @param {string} why */
    close(why) {
      over = new Error(why);
      for (const { reject } of waiting) reject(over);
    },
    /**
     * The first entry that is wanted, which may be there already.
     * @param {(entry: T) => boolean} wanted
     * @returns {Promise<T>}
     */
    first: (wanted) =>
      new Promise((resolve, reject) => {
        const found = entries.find(wanted);
        if (found) resolve(found);
        else if (over) reject(over);
        else waiting.add({ wanted, resolve, reject });
      }),
  };
}
