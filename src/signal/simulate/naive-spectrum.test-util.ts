// Oracles for the simulator's tests: amplitudes at single frequencies by a plain sum, independent of the project's Fourier code.

const hann = (signal: ArrayLike<number>): Float64Array => {
  const n = signal.length;
  return Float64Array.from(signal, (value, i) => value * (1 - Math.cos((2 * Math.PI * (i + 0.5)) / n)));
};

// Goertzel's recursion of one DFT bin at any frequency.
const bin = (windowed: Float64Array, sampleRate: number, frequency: number): number => {
  const omega = (2 * Math.PI * frequency) / sampleRate;
  const factor = 2 * Math.cos(omega);
  let last = 0;
  let before = 0;
  for (let i = 0; i < windowed.length; i++) {
    const value = windowed[i] + factor * last - before;
    before = last;
    last = value;
  }
  const power = last * last + before * before - factor * last * before;
  return (2 * Math.sqrt(Math.max(0, power))) / windowed.length;
};

/** Amplitudes of the tones at `frequencies` in Hz, Hann window. */
export const amplitudesAt = (signal: ArrayLike<number>, sampleRate: number, frequencies: number[]): number[] => {
  const windowed = hann(signal);
  return frequencies.map((frequency) => bin(windowed, sampleRate, frequency));
};

/** Amplitude of the tone at `frequency` Hz. */
export const amplitudeAt = (signal: ArrayLike<number>, sampleRate: number, frequency: number): number =>
  amplitudesAt(signal, sampleRate, [frequency])[0];

/** Mean power per hertz from `low` to `high` Hz, from 60 bins. */
export const densityOf = (signal: ArrayLike<number>, sampleRate: number, low: number, high: number): number => {
  const frequencies = Array.from({ length: 60 }, (_, k) => low + ((high - low) * (k + 0.5)) / 60);
  const power = amplitudesAt(signal, sampleRate, frequencies).reduce((sum, a) => sum + (a * a) / 2, 0);
  // A Hann window spreads a line's power over 1.5 bins.
  return (power / 60 / 1.5) * (signal.length / sampleRate);
};

/** Largest amplitude within `tolerance` (relative) of `frequency`. */
export const peakNear = (
  signal: ArrayLike<number>,
  sampleRate: number,
  frequency: number,
  tolerance = 0.005,
): number => {
  const windowed = hann(signal);
  const step = Math.min((0.5 * sampleRate) / signal.length, frequency * tolerance);
  let peak = 0;
  for (let f = frequency * (1 - tolerance); f <= frequency * (1 + tolerance) + 1e-9; f += step)
    peak = Math.max(peak, bin(windowed, sampleRate, f));
  return peak;
};

/** How far the line near `frequency` stands out: its amplitude over the median of 40 bins to its sides (3 to 25 % away). */
export const prominence = (
  signal: ArrayLike<number>,
  sampleRate: number,
  frequency: number,
  tolerance = 0.005,
): number => {
  const windowed = hann(signal);
  const sides = Array.from({ length: 40 }, (_, k) => {
    const offset = 0.03 + 0.22 * (Math.floor(k / 2) / 19);
    return bin(windowed, sampleRate, frequency * (k % 2 === 0 ? 1 + offset : 1 - offset));
  }).sort((a, b) => a - b);
  return peakNear(signal, sampleRate, frequency, tolerance) / sides[20];
};

/** Squared signal above `corner` Hz (second-order high-pass twice), mean removed: its lines are the envelope spectrum. */
export const envelopeAbove = (signal: ArrayLike<number>, sampleRate: number, corner: number): Float64Array => {
  const k = Math.tan((Math.PI * corner) / sampleRate);
  const norm = 1 / (1 + Math.SQRT2 * k + k * k);
  let values = Float64Array.from(signal);
  for (let pass = 0; pass < 2; pass++) {
    const input = values;
    values = new Float64Array(input.length);
    for (let i = 0; i < input.length; i++) {
      const x = input[i] - 2 * (input[i - 1] ?? 0) + (input[i - 2] ?? 0);
      const feedback = 2 * (k * k - 1) * (values[i - 1] ?? 0) + (1 - Math.SQRT2 * k + k * k) * (values[i - 2] ?? 0);
      values[i] = norm * (x - feedback);
    }
  }
  const squared = values.map((value) => value * value);
  const mean = squared.reduce((sum, value) => sum + value, 0) / squared.length;
  return squared.map((value) => value - mean);
};

export const rms = (signal: ArrayLike<number>, from = 0, to = signal.length): number => {
  let sum = 0;
  for (let i = from; i < to; i++) sum += signal[i] * signal[i];
  return Math.sqrt(sum / (to - from));
};
