/** Where a pitch lies on the mel scale, on which steps that sound alike are as long as each other. Source: Young et al., "The HTK Book", 5.4.2 */
const melOf = (hertz: number): number => 2595 * Math.log10(1 + hertz / 700);
const hertzOf = (mel: number): number => 700 * (10 ** (mel / 2595) - 1);

/** What is looked for in a frame's spectrum. */
export interface MelOptions {
  /** Samples a second. */
  readonly sampleRate: number;
  /** Of the discrete Fourier transform: samples of a frame, with zeros behind them. */
  readonly points: number;
  /** Filters. */
  readonly mels: number;
  /** The lowest and the highest pitch that any of them hears, in hertz. */
  readonly low: number;
  readonly high: number;
}

/**
 * How much each filter hears of each bin, `[bins][mels]`: triangles that are 1 at their middle and end where their
 * neighbours have theirs, evenly spaced in mel. They are HTK's, and torchaudio's as they come; librosa's are Slaney's unless
 * it is told `htk=True, norm=None`.
 * @returns of each bin, 0 … points / 2, its share in each filter
 */
export function melFilters({ sampleRate, points, mels, low, high }: MelOptions): readonly Float64Array[] {
  const [from, to] = [melOf(low), melOf(high)];
  const corners = Array.from({ length: mels + 2 }, (_, at) => hertzOf(from + ((to - from) * at) / (mels + 1)));
  const heard = (hertz: number, mel: number): number => {
    const [left, middle, right] = corners.slice(mel, mel + 3) as [number, number, number];
    return Math.max(0, Math.min((hertz - left) / (middle - left), (right - hertz) / (right - middle)));
  };
  const filters = Array.from({ length: mels }, (_, mel) => mel);
  return Array.from({ length: Math.floor(points / 2) + 1 }, (_, bin) =>
    Float64Array.from(filters, (mel) => heard((bin * sampleRate) / points, mel)),
  );
}
