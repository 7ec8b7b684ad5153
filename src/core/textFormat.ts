/** A number with its noun: 1 row, 2 rows. */
export const counted = (count: number, noun: string): string => `${count} ${noun}${count === 1 ? '' : 's'}`;

/** Names as a sentence lists them. */
export const quotedList = (names: readonly string[]): string => names.map((name) => `"${name}"`).join(', ');

/** 1.5 MiB. */
export const megabytes = (bytes: number): string => `${(bytes / 2 ** 20).toFixed(1)} MiB`;

/** So many digits tell how much was sent. */
const DIGITS = 3;
const units = [
  [1e3, 'kB'],
  [1e6, 'MB'],
  [1e9, 'GB'],
  [1e12, 'TB'],
] as const;

/** What goes over a line, or lies in a file: 999 B, 407 kB, 1.50 MB. */
export function bytesText(bytes: number): string {
  // By what is shown: 999,999 are 1.00 MB.
  const shown = Number(bytes.toPrecision(DIGITS));
  const found = units.findLast(([scale]) => shown >= scale);
  return found ? `${(shown / found[0]).toPrecision(DIGITS)} ${found[1]}` : `${bytes} B`;
}

/** 1,234,567. */
export const thousands = (count: number): string => count.toLocaleString('en-US');

/**
 * Columns of text, each as wide as its widest cell.
 * @param right columns that end, rather than begin, in one line: those of numbers
 * @param ruled draws a line of dashes below the head
 */
export function tableOf(
  head: readonly string[],
  rows: readonly (readonly string[])[],
  right: ReadonlySet<number>,
  ruled = false,
): string {
  const widths = head.map((title, at) => Math.max(title.length, ...rows.map((row) => row[at].length)));
  const line = (cells: readonly string[]): string =>
    cells
      .map((cell, at) => (right.has(at) ? cell.padStart(widths[at]) : cell.padEnd(widths[at])))
      .join('  ')
      .trimEnd();
  const rule = ruled ? [widths.map((width) => '-'.repeat(width))] : [];
  return [head, ...rule, ...rows].map(line).join('\n');
}
