// docs/errors.md and the code hold each other: every text that src can throw has an entry, every entry is thrown
// somewhere, and a case produces it.

import { describe, expect, test } from 'vitest';
import { checkedOps } from './errors/checkedOps.ts';
import { commandLine } from './errors/commandLine.ts';
import { convolutions } from './errors/convolutions.ts';
import { dataFiles } from './errors/dataFiles.ts';
import { device } from './errors/device.ts';
import { downloads } from './errors/downloads.ts';
import { emission } from './errors/emission.ts';
import { foreignFiles } from './errors/foreignFiles.ts';
import { host } from './errors/host.ts';
import { flower } from './errors/flower.ts';
import { flowerLayouts } from './errors/flowerLayouts.ts';
import { generation } from './errors/generation.ts';
import { interop } from './errors/interop.ts';
import { keras } from './errors/keras.ts';
import { losses } from './errors/losses.ts';
import { onnx } from './errors/onnx.ts';
import { onnxWriting } from './errors/onnxWriting.ts';
import { predictors } from './errors/predictors.ts';
import { savedWeights } from './errors/savedWeights.ts';
import { shapes } from './errors/shapes.ts';
import { series } from './errors/series.ts';
import { slips } from './errors/slips.ts';
import { sounds } from './errors/sounds.ts';
import { tables } from './errors/tables.ts';
import { texts } from './errors/text.ts';
import { training } from './errors/training.ts';
import { transformers } from './errors/transformers.ts';
import { itemsOf, ownText, readErrorPage, type Entry } from './support/errorPage.ts';
import { kinds, scanSource, scanSources, type Site } from './support/errorSites.ts';
import { produce } from './support/provoke.ts';

const cases = [
  commandLine,
  slips,
  dataFiles,
  sounds,
  tables,
  series,
  texts,
  downloads,
  shapes,
  convolutions,
  losses,
  training,
  transformers,
  checkedOps,
  emission,
  host,
  generation,
  device,
  savedWeights,
  predictors,
  interop,
  keras,
  onnx,
  foreignFiles,
  onnxWriting,
  flower,
  flowerLayouts,
].flat();
const entries = readErrorPage();
const { sites, unreadable } = scanSources();

/** Either may say more generally what the other says. */
const fits = (site: Site, entry: Entry): boolean =>
  site.kind === entry.kind && (site.pattern.test(ownText(entry)) || entry.pattern.test(site.text));

/** Sites that no entry is about, and what to do about each. */
const unlisted = (found: readonly Site[]): string[] =>
  found
    .filter((site) => kinds.includes(site.kind) && !entries.some((entry) => fits(site, entry)))
    .map(
      ({ file, line, kind, text }) =>
        `${file}:${line} has a text without an entry: add "- \`${text}\`\\" and "  **${kind}** why, and what to do" to docs/errors.md, and a case that produces it to test/errors`,
    );

/** Entries that no site can throw. */
const unthrown = (listed: readonly Entry[]): string[] =>
  listed
    .filter((entry) => !sites.some((site) => fits(site, entry)))
    .map(
      ({ kind, text }) => `nothing in src throws the ${kind} "${text}": correct the entry, or remove it and its case`,
    );

describe('docs/errors.md', () => {
  test('the text of every error stands where it is thrown', () => {
    expect(unreadable).toEqual([]);
  });

  test('every error in src has an entry', () => {
    expect(sites.length).toBeGreaterThan(0);
    expect(unlisted(sites)).toEqual([]);
  });

  test('every entry is of an error in src', () => {
    expect(entries.length).toBeGreaterThan(0);
    expect(unthrown(entries)).toEqual([]);
  });

  test('every item has a kind and a remedy, and no two have one text', () => {
    expect(itemsOf()).toHaveLength(entries.length);
    expect(new Set(entries.map(({ text }) => text)).size).toBe(entries.length);
  });

  test('every entry has a case', () => {
    const lacking = entries
      .filter(({ text }) => !cases.some(([beginning]) => text.startsWith(beginning)))
      .map(({ text }) => `add a case that produces "${text}" to test/errors`);
    expect(lacking).toEqual([]);
  });
});

describe('the scan of the sources', () => {
  test.each([
    ['a template', 'throw new DataError(`[x] ${name} is not what it must be`);', '[x] <name> is not what it must be'],
    [
      'one of two',
      "throw new DataError(few ? '[x] there are too few' : '[x] there are too many');",
      '[x] there are too few',
    ],
    [
      'a constant in front',
      'const at = `[x] ${a}`;\nthrow new DataError(`${at} is empty: fill it`);',
      '[x] <a> is empty: fill it',
    ],
    [
      'a function that makes errors',
      "const fails = (what: string) => new FormatError(`[x] ${file} ${what}: look`);\nthrow fails('has no header');",
      '[x] <file> has no header: look',
    ],
    ['a warning', 'warn(`${file} is not the real one`);', '<file> is not the real one'],
  ])('finds %s', (_, source, text) => {
    const [first] = scanSource('x.ts', source).sites;
    expect(first.text).toBe(text);
    expect(unlisted([first])).toHaveLength(1);
  });

  test.each([
    ['a text made elsewhere', 'throw new DataError(textOf(name));'],
    ['an error made elsewhere', "throw failure('it is empty');"],
  ])('refuses %s', (_, source) => {
    expect(scanSource('x.ts', source).unreadable).toHaveLength(1);
  });

  test('an entry that nothing throws is found', () => {
    const page = '- `[nobody] says <n> of this`\\\n  **DataError** Never.\n';
    expect(unthrown(readErrorPage(page))).toHaveLength(1);
  });
});

/** What a layer's path adds to a message. */
const WHERE = /(?: \((?:in [\w.]+|while a text is generated, .*)\))+$/;

describe('produces', () => {
  test.each(cases)('%s', async (beginning, provoke) => {
    const about = entries.filter(({ text }) => text.startsWith(beginning));
    expect(about, `one entry of docs/errors.md must begin with "${beginning}"`).toHaveLength(1);
    const { kind, message } = await produce(provoke);
    expect(kind, `what came is "${message}"`).toBe(about[0].kind);
    expect(message.replace(WHERE, '')).toMatch(about[0].pattern);
  });
});
