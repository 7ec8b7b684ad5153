import { optionsOf, requireFinite, requireKind } from '../core/argumentChecks.ts';
import { DataError, ShapeError } from '../core/errors.ts';

/** A text that was begun, and which of the sources it is of. */
export interface Beginning {
  readonly source: number;
  /** From `begin` on. */
  readonly tokens: readonly number[];
}

/** What a model says of the next tokens: logits, or logarithms of probabilities, as `predict` gives them. */
export interface NextTokens {
  readonly data: ArrayLike<number>;
  /** `[P, V]`, or `[P, T, V]`, of which the place of a beginning's last token counts. */
  readonly shape: readonly number[];
}

/** What `beamSearch` may be told. */
export interface BeamSearchOptions {
  /** The token that all texts begin with, and the one that ends them. */
  readonly begin: number;
  readonly end: number;
  /** Tokens of a text at most, its end counted, its beginning not. */
  readonly maximum: number;
  /** How many texts are sought, each of a source of its own: 1. */
  readonly sources?: number;
  /** Beginnings that are kept of each: 4. */
  readonly beams?: number;
  /** How much longer texts are favoured, which are less likely for being long: 0.6; 0 counts probability alone. */
  readonly lengthPenalty?: number;
}

/** A text that was found. */
export interface Found {
  /** Without the tokens that begin and end it. */
  readonly tokens: readonly number[];
  readonly logProbability: number;
  /** By which texts are compared: the same over ((5 + length) / 6) to the power of the length penalty. */
  readonly score: number;
  /** Whether it came to its end. */
  readonly hasEnded: boolean;
}

/** A beginning with what it has of probability. */
interface Beam {
  readonly tokens: readonly number[];
  readonly logProbability: number;
}

/** What one source has come to. */
interface Search {
  readonly source: number;
  readonly beams: readonly Beam[];
  /** The best first. */
  readonly found: readonly Found[];
}

interface Extension extends Beam {
  readonly isEnd: boolean;
}

type Checked = ReturnType<typeof checked>;

const defaults = {
  begin: undefined,
  end: undefined,
  maximum: undefined,
  sources: 1,
  beams: 4,
  lengthPenalty: 0.6,
};

function checked(options: BeamSearchOptions) {
  const where = 'beamSearch';
  const filled = optionsOf<BeamSearchOptions, typeof defaults>(where, Object(options), defaults);
  const { begin, end, lengthPenalty, ...counts } = filled;
  for (const [name, token] of Object.entries({ begin, end })) {
    requireKind(where, name, token, Number.isInteger(token) && token >= 0, 'a token');
  }
  for (const [name, count] of Object.entries(counts)) {
    requireKind(where, name, count, Number.isInteger(count) && count > 0, 'a whole number above 0');
  }
  requireFinite(where, 'lengthPenalty', lengthPenalty, 0);
  return filled;
}

/** Wu et al. 2016, equation 14. */
const scoreOf = (logProbability: number, length: number, lengthPenalty: number): number =>
  logProbability / ((5 + length) / 6) ** lengthPenalty;

/** Logarithms of the probabilities of the next token, by beginning. @throws ShapeError or DataError for what is none */
function rowsOf({ data, shape }: NextTokens, beginnings: readonly Beginning[]): Float64Array[] {
  const [P, V] = [beginnings.length, shape.at(-1)!];
  const steps = shape.length === 3 ? shape[1] : 1;
  const length = beginnings[0].tokens.length;
  const fits = (shape.length === 2 || (shape.length === 3 && steps >= length)) && shape[0] === P;
  if (!fits || data.length !== P * steps * V) {
    throw new ShapeError(
      `[beamSearch] the step gave ${data.length} numbers of the shape [${shape.join(', ')}] for ${P} beginnings of ${length} tokens: give [${P}, V] or [${P}, T, V]`,
    );
  }
  const at = shape.length === 3 ? length - 1 : 0;
  return beginnings.map((_, row) => {
    const first = (row * steps + at) * V;
    return logSoftmax(Float64Array.from({ length: V }, (_x, v) => data[first + v]));
  });
}

function logSoftmax(x: Float64Array): Float64Array {
  const largest = x.reduce((most, own) => Math.max(most, own), -Infinity);
  const total = x.reduce((sum, own) => sum + Math.exp(own - largest), 0);
  if (!Number.isFinite(largest) || Number.isNaN(total)) {
    throw new DataError(
      `[beamSearch] the step gave ${x.slice(0, 4).join(', ')} … for the next token: give logits or logarithms of probabilities, finite, or −∞ for some`,
    );
  }
  return x.map((own) => own - largest - Math.log(total));
}

/** So many of the likeliest extensions of all beams, the likeliest first, of equals the first. */
function likeliest(beams: readonly Beam[], rows: readonly Float64Array[], end: number, count: number): Extension[] {
  const best: Extension[] = [];
  beams.forEach(({ tokens, logProbability }, at) => {
    for (const [token, own] of rows[at].entries()) {
      const sum = logProbability + own;
      if (own === -Infinity || (best.length === count && sum <= best[count - 1].logProbability)) continue;
      const place = best.findIndex((other) => other.logProbability < sum);
      const extension = { tokens: [...tokens, token], logProbability: sum, isEnd: token === end };
      best.splice(place < 0 ? best.length : place, 0, extension);
      best.splice(count);
    }
  });
  return best;
}

/** A search one token further. */
function grown({ source, beams, found }: Search, rows: readonly Float64Array[], options: Checked): Search {
  const { end, beams: width, maximum, lengthPenalty } = options;
  // Of each beam one extension ends it, so among twice as many there are enough that go on. What ends counts where it would
  // have been kept, so that one beam takes the likeliest token each time.
  const extensions = likeliest(beams, rows, end, 2 * width);
  const length = beams[0].tokens.length;
  const isLast = length === maximum;
  const goOn = extensions.filter(({ isEnd }) => !isEnd).slice(0, width);
  const ended = extensions.slice(0, width).filter(({ isEnd }) => isEnd);
  const over = [...ended, ...(isLast ? goOn : [])];
  const all = [...found, ...over.map((own) => foundOf(own, length, lengthPenalty))];
  const kept = all.toSorted((a, b) => b.score - a.score).slice(0, width);
  // What goes on can lose probability, and gain no more by its length than the longest would.
  const least = kept.length === width ? kept[width - 1].score : -Infinity;
  const hopeful = goOn.filter(({ logProbability }) => scoreOf(logProbability, maximum, lengthPenalty) > least);
  return { source, beams: isLast ? [] : hopeful, found: kept };
}

function foundOf({ tokens, logProbability, isEnd }: Extension, length: number, lengthPenalty: number): Found {
  const score = scoreOf(logProbability, length, lengthPenalty);
  return { tokens: tokens.slice(1, isEnd ? -1 : undefined), logProbability, score, hasEnded: isEnd };
}

/**
 * The likeliest texts that a model tells token by token, for several sources at a time, as translations of several sentences: of
 * each so many beginnings are kept from token to token, and all of them are one batch for the model.
 *
 * ```ts
 * const found = await beamSearch(
 *   async (beginnings) => trainer.predict(samplesOf(beginnings)),
 *   { begin: 1, end: 2, maximum: 40, sources: sentences.length },
 * );
 * ```
 *
 * @param step what the model says of the tokens behind some beginnings, all of one length
 * @returns for each source the texts that were found, at most as many as beams, the best first
 * @throws ShapeError or DataError for what a step may not give     Source: Wu et al. 2016, 7
 */
export async function beamSearch(
  step: (beginnings: readonly Beginning[]) => NextTokens | Promise<NextTokens>,
  options: BeamSearchOptions,
): Promise<Found[][]> {
  requireKind('beamSearch', 'the step', step, typeof step === 'function', 'a function of beginnings');
  const filled = checked(options);
  const first: Beam = { tokens: [filled.begin], logProbability: 0 };
  let searches: readonly Search[] = Array.from({ length: filled.sources }, (_, source) => ({
    source,
    beams: [first],
    found: [],
  }));
  for (;;) {
    const beginnings = searches.flatMap(({ source, beams }) => beams.map(({ tokens }) => ({ source, tokens })));
    if (beginnings.length === 0) return searches.map(({ found }) => [...found]);
    const given: unknown = await step(beginnings);
    const are = Array.isArray((Object(given) as NextTokens).shape) && 'data' in Object(given);
    requireKind('beamSearch', 'what the step gives', given, are, 'numbers with their shape, as predict gives them');
    const rows = rowsOf(given as NextTokens, beginnings);
    let at = 0;
    searches = searches.map((search) => {
      const own = rows.slice(at, (at += search.beams.length));
      return own.length > 0 ? grown(search, own, filled) : search;
    });
  }
}
