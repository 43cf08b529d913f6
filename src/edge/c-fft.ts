// C code of the Fourier transform of real samples, for any number of points.
import { tableCode } from './c-text.ts';

export type FftCode = {
  /** Functions and tables. */
  code: string;
  /** Floats that `$n_power` works on; the first `2 $N_POINTS` of them take the frame (`packed` says how). */
  workFloats: number;
  tableBytes: number;
};

/** Factors of a transform of `points`: fours, at most one two, then odd primes. */
function factorsOf(points: number): number[] {
  const factors: number[] = [];
  let rest = points;
  for (let factor = 4; rest > 1; ) {
    if (rest % factor === 0) {
      factors.push(factor);
      rest /= factor;
    } else factor = factor === 4 ? 2 : factor === 2 ? 3 : factor + 2;
  }
  return factors;
}

const turn = `
/* Stores a value times exp(-2 pi i turn / points). */
static void $n_turned(float *y, float re, float im, int turn)
{
  const float c = $n_cosines[turn], s = $n_sines[turn];
  y[0] = re * c + im * s;
  y[$N_POINTS] = im * c - re * s;
}
`;

const passes: Record<'two' | 'four' | 'odd', string> = {
  two: `
static void $n_pass_two(const float *x, float *y, int rest, int step)
{
  const int hop = step * rest;
  for (int k = 0; k < rest; k++) {
    for (int j = 0; j < step; j++) {
      const float *a = x + j + step * k;
      float *b = y + j + 2 * step * k;
      b[0] = a[0] + a[hop];
      b[$N_POINTS] = a[$N_POINTS] + a[$N_POINTS + hop];
      $n_turned(b + step, a[0] - a[hop], a[$N_POINTS] - a[$N_POINTS + hop], step * k);
    }
  }
}
`,
  four: `
static void $n_pass_four(const float *x, float *y, int rest, int step)
{
  const int hop = step * rest;
  for (int k = 0; k < rest; k++) {
    for (int j = 0; j < step; j++) {
      const float *a = x + j + step * k, *i = a + $N_POINTS;
      float *b = y + j + 4 * step * k;
      const float sum_re = a[0] + a[2 * hop], sum_im = i[0] + i[2 * hop];
      const float odd_re = a[hop] + a[3 * hop], odd_im = i[hop] + i[3 * hop];
      const float difference_re = a[0] - a[2 * hop], difference_im = i[0] - i[2 * hop];
      const float turned_re = i[hop] - i[3 * hop], turned_im = a[3 * hop] - a[hop];
      b[0] = sum_re + odd_re;
      b[$N_POINTS] = sum_im + odd_im;
      $n_turned(b + step, difference_re + turned_re, difference_im + turned_im, step * k);
      $n_turned(b + 2 * step, sum_re - odd_re, sum_im - odd_im, 2 * step * k);
      $n_turned(b + 3 * step, difference_re - turned_re, difference_im - turned_im, 3 * step * k);
    }
  }
}
`,
  odd: `
/* Any odd number of parts. Parts r and radix - r go together: their sum meets cosines only, their difference sines only. */
static void $n_pass_odd(const float *x, float *y, float *sums, int radix, int rest, int step)
{
  const int hop = step * rest, half = (radix - 1) / 2, part = $N_POINTS / radix;
  float *sum_re = sums, *sum_im = sum_re + half, *difference_re = sum_im + half, *difference_im = difference_re + half;
  for (int k = 0; k < rest; k++) {
    for (int j = 0; j < step; j++) {
      const float *a = x + j + step * k;
      float *b = y + j + radix * step * k;
      float all_re = a[0], all_im = a[$N_POINTS];
      for (int r = 0; r < half; r++) {
        const float *low = a + (r + 1) * hop, *high = a + (radix - 1 - r) * hop;
        sum_re[r] = low[0] + high[0];
        sum_im[r] = low[$N_POINTS] + high[$N_POINTS];
        difference_re[r] = low[0] - high[0];
        difference_im[r] = low[$N_POINTS] - high[$N_POINTS];
        all_re += sum_re[r];
        all_im += sum_im[r];
      }
      b[0] = all_re;
      b[$N_POINTS] = all_im;
      for (int t = 1; t <= half; t++) {
        float even_re = a[0], even_im = a[$N_POINTS], odd_re = 0.0f, odd_im = 0.0f;
        for (int r = 0, angle = t; r < half; r++) {
          const float c = $n_cosines[angle * part], s = $n_sines[angle * part];
          even_re += c * sum_re[r];
          even_im += c * sum_im[r];
          odd_re += s * difference_re[r];
          odd_im += s * difference_im[r];
          angle += t;
          if (angle >= radix) angle -= radix;
        }
        $n_turned(b + t * step, even_re + odd_im, even_im - odd_re, step * k * t);
        $n_turned(b + (radix - t) * step, even_re - odd_im, even_im + odd_re, step * k * (radix - t));
      }
    }
  }
}
`,
};

/** Even frames: even samples are the real parts and odd ones the imaginary parts of half as many points. */
const evenPower = `
  for (int k = 0; k <= $N_POINTS / 2; k++) {
    const int mirror = k == 0 ? 0 : $N_POINTS - k;
    const float even_re = 0.5f * (z[k] + z[mirror]), even_im = 0.5f * (z[$N_POINTS + k] - z[$N_POINTS + mirror]);
    const float odd_re = 0.5f * (z[$N_POINTS + k] + z[$N_POINTS + mirror]), odd_im = 0.5f * (z[mirror] - z[k]);
    const float c = $n_split_cosines[k], s = $n_split_sines[k];
    const float re = odd_re * c + odd_im * s, im = odd_im * c - odd_re * s;
    power[k] = (even_re + re) * (even_re + re) + (even_im + im) * (even_im + im);
    power[$N_POINTS - k] = (even_re - re) * (even_re - re) + (even_im - im) * (even_im - im);
  }
`;

const oddPower = `
  for (int k = 0; k <= $N_POINTS / 2; k++) power[k] = z[k] * z[k] + z[$N_POINTS + k] * z[$N_POINTS + k];
`;

/**
 * `static const float *$n_power(float *work)`: |X|^2 of floor(nFft / 2) + 1 bins of a real frame of `nFft` samples; the
 * result lies in `work`. Stockham's transform in mixed radix (Van Loan, Computational Frameworks for the FFT, 1.7), in
 * float32. Sample i of an even frame goes to `work[(i % 2) * $N_POINTS + i / 2]`, of an odd one to `work[i]`, followed by
 * as many zeros.
 */
export function fftCode(nFft: number): FftCode {
  const even = nFft % 2 === 0;
  const points = even ? nFft / 2 : nFft;
  const factors = factorsOf(points);
  const largestOdd = Math.max(1, ...factors.filter((factor) => factor % 2 === 1));
  const angles = (count: number, of: number, f: (x: number) => number) =>
    Array.from({ length: count }, (_, k) => f((2 * Math.PI * k) / of));
  const half = Math.floor(points / 2) + 1;
  const tables = [
    ...(points > 1 ? [['cosines', angles(points, points, Math.cos)] as const] : []),
    ...(points > 1 ? [['sines', angles(points, points, Math.sin)] as const] : []),
    ...(even ? [['split_cosines', angles(half, nFft, Math.cos)] as const] : []),
    ...(even ? [['split_sines', angles(half, nFft, Math.sin)] as const] : []),
  ];
  const used = new Set(factors.map((factor) => (factor === 4 ? 'four' : factor === 2 ? 'two' : 'odd')));
  let rest = points;
  const calls = factors.map((factor, i) => {
    const step = points / rest;
    rest /= factor;
    const [x, y] = i % 2 === 0 ? ['work', 'other'] : ['other', 'work'];
    if (factor % 2 === 0) return `  $n_pass_${factor === 4 ? 'four' : 'two'}(${x}, ${y}, ${rest}, ${step});\n`;
    return `  $n_pass_odd(${x}, ${y}, work + 4 * $N_POINTS, ${factor}, ${rest}, ${step});\n`;
  });
  const [z, power] = factors.length % 2 === 0 ? ['work', 'other'] : ['other', 'work'];
  const code = `
/* The Fourier transform of a frame of ${nFft} samples. Real parts lie before imaginary parts, $N_POINTS of each. */
#define $N_POINTS ${points}
${tables.map(([name, values]) => tableCode('float', `$n_${name}`, values)).join('')}${used.size > 0 ? turn : ''}${[
  ...used,
]
  .map((kind) => passes[kind])
  .join('')}
static const float *$n_power(float *work)
{
  float *other = work + 2 * $N_POINTS;
  const float *z = ${z};
  float *power = ${power};
${calls.join('')}${(even ? evenPower : oddPower).slice(1)}  return power;
}
`;
  return {
    code,
    workFloats: 4 * points + 2 * (largestOdd - 1),
    tableBytes: 4 * tables.reduce((sum, [, values]) => sum + values.length, 0),
  };
}
