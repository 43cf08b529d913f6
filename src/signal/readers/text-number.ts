// Numbers parsed from the bytes of a text file, without a string in between: a large file is mostly numbers.

const POWERS = Float64Array.from({ length: 23 }, (_, k) => 10 ** k); // all exact in float64

/**
 * The number written in `bytes[start…end)`: sign, digits, decimal mark, exponent; NaN where it is anything else.
 * Exact up to 15 digits, as `Number` is; beyond that within two units in the last place of float64.
 * @param decimal the byte of the decimal mark
 */
export const parseNumber = (bytes: Uint8Array, start: number, end: number, decimal: number): number => {
  const negative = bytes[start] === 45;
  let at = negative || bytes[start] === 43 ? start + 1 : start;
  const firstDigit = at;
  let mantissa = 0;
  let exponent = 0;
  for (; at < end; at++) {
    const digit = bytes[at] - 48;
    if (digit < 0 || digit > 9) break;
    if (mantissa < 1e17) mantissa = mantissa * 10 + digit;
    else exponent++;
  }
  let digits = at - firstDigit;
  if (at < end && bytes[at] === decimal) {
    const firstDecimal = ++at;
    for (; at < end; at++) {
      const digit = bytes[at] - 48;
      if (digit < 0 || digit > 9) break;
      if (mantissa >= 1e17) continue;
      mantissa = mantissa * 10 + digit;
      exponent--;
    }
    digits += at - firstDecimal;
  }
  if (digits === 0) return Number.NaN;
  if (at < end && (bytes[at] | 32) === 101) {
    const power = parseExponent(bytes, at + 1, end);
    if (Number.isNaN(power)) return Number.NaN;
    exponent += power;
    at = end;
  }
  if (at !== end) return Number.NaN;
  const value = scaled(mantissa, exponent);
  return negative ? -value : value;
};

const scaled = (mantissa: number, exponent: number): number => {
  if (exponent === 0 || mantissa === 0) return mantissa;
  if (exponent < 0 && exponent >= -22) return mantissa / POWERS[-exponent];
  if (exponent > 0 && exponent <= 22) return mantissa * POWERS[exponent];
  return Number(`${mantissa}e${exponent}`);
};

const parseExponent = (bytes: Uint8Array, start: number, end: number): number => {
  const negative = bytes[start] === 45;
  let at = negative || bytes[start] === 43 ? start + 1 : start;
  if (at >= end) return Number.NaN;
  let power = 0;
  for (; at < end; at++) {
    const digit = bytes[at] - 48;
    if (digit < 0 || digit > 9) return Number.NaN;
    power = Math.min(power * 10 + digit, 9999);
  }
  return negative ? -power : power;
};

/** NaN and infinity by name; undefined for other words. */
export const parseNonFinite = (word: string): number | undefined => {
  if (/^[+-]?nan$/i.test(word)) return Number.NaN;
  const infinite = /^([+-]?)inf(inity)?$/i.exec(word);
  if (!infinite) return undefined;
  return infinite[1] === '-' ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;
};

/** What one unit of the last digit written is worth: 0.001 for `1.250`, 10 for `5.6566e+05`. */
export const printedResolution = (text: string, decimal: string): number => {
  const [mantissa, exponent = '0'] = text.toLowerCase().split('e');
  const decimals = mantissa.split(decimal)[1]?.length ?? 0;
  return 10 ** (Number(exponent) - decimals);
};
