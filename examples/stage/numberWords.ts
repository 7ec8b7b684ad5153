const digits = ['ein', 'zwei', 'drei', 'vier', 'fünf', 'sechs', 'sieben', 'acht', 'neun'];
const teens = [
  'zehn',
  'elf',
  'zwölf',
  'dreizehn',
  'vierzehn',
  'fünfzehn',
  'sechzehn',
  'siebzehn',
  'achtzehn',
  'neunzehn',
];
const tens = ['zwanzig', 'dreißig', 'vierzig', 'fünfzig', 'sechzig', 'siebzig', 'achtzig', 'neunzig'];

const ones = ['one', 'two', 'three', 'four', 'five', 'six', 'seven', 'eight', 'nine'];
const tenOrMore = [
  'ten',
  'eleven',
  'twelve',
  'thirteen',
  'fourteen',
  'fifteen',
  'sixteen',
  'seventeen',
  'eighteen',
  'nineteen',
];
const twentyOrMore = ['twenty', 'thirty', 'forty', 'fifty', 'sixty', 'seventy', 'eighty', 'ninety'];

/** The digits of a number below 10,000: thousands, hundreds, and what is left. */
const partsOf = (number: number): readonly [number, number, number] => [
  Math.floor(number / 1000),
  Math.floor(number / 100) % 10,
  number % 100,
];

/** A number of 1 … 9,999 in German, word by word, which are written as one: the ones stand before the tens. */
export function german(number: number): string[] {
  const [thousands, hundreds, rest] = partsOf(number);
  const words: string[] = [];
  if (thousands > 0) words.push(digits[thousands - 1], 'tausend');
  if (hundreds > 0) words.push(digits[hundreds - 1], 'hundert');
  if (rest === 1) words.push('eins');
  else if (rest > 0 && rest < 10) words.push(digits[rest - 1]);
  else if (rest >= 10 && rest < 20) words.push(teens[rest - 10]);
  else if (rest >= 20) {
    if (rest % 10 > 0) words.push(digits[(rest % 10) - 1], 'und');
    words.push(tens[Math.floor(rest / 10) - 2]);
  }
  return words;
}

/** The same in English. */
export function english(number: number): string[] {
  const [thousands, hundreds, rest] = partsOf(number);
  const words: string[] = [];
  if (thousands > 0) words.push(ones[thousands - 1], 'thousand');
  if (hundreds > 0) words.push(ones[hundreds - 1], 'hundred');
  if (words.length > 0 && rest > 0) words.push('and');
  if (rest >= 20) words.push(twentyOrMore[Math.floor(rest / 10) - 2]);
  if (rest >= 10 && rest < 20) words.push(tenOrMore[rest - 10]);
  else if (rest % 10 > 0) words.push(ones[(rest % 10) - 1]);
  return words;
}
