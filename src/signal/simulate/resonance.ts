// A machine's structure: modes that ring when struck or shaken, and impacts placed between samples.
import type { Clock } from './clock.ts';
import { highestFrequency, silence } from './clock.ts';
import { addMode } from './filters.ts';
import { whiteNoise } from './noise.ts';
import type { Random } from './random.ts';

/** One mode: frequency in Hz, damping ratio, and the first peak of its response to a strike of strength 1. */
export type Mode = { frequency: number; damping: number; amplitude: number };

/**
 * Draws `count` modes spread over `band` (Hz, one per equal part of the log scale, at random within it). The amplitudes
 * sum to 1, strongest around `centre`: below it the structure is stiff, above it the contact time of an impact is too long.
 */
export const drawModes = (
  random: Random,
  {
    band,
    count,
    damping,
    centre,
  }: { band: [number, number]; count: number; damping: [number, number]; centre: number },
): Mode[] => {
  const ratio = (band[1] / band[0]) ** (1 / count);
  const modes = Array.from({ length: count }, (_, k) => {
    const frequency = band[0] * ratio ** (k + random.uniform(0.1, 0.9));
    const shape = 1 / (frequency / centre + centre / frequency);
    const amplitude = shape * Math.exp(random.gaussian(0, 0.35));
    return { frequency, damping: random.logUniform(damping[0], damping[1]), amplitude };
  });
  const sum = modes.reduce((total, mode) => total + mode.amplitude, 0);
  return modes.map((mode) => ({ ...mode, amplitude: mode.amplitude / sum }));
};

/** The same structure struck more softly: modes above `cutoff` Hz respond less (12 dB per octave), as under a longer contact. */
export const soften = (modes: Mode[], cutoff: number): Mode[] =>
  modes.map((mode) => ({ ...mode, amplitude: mode.amplitude / (1 + (mode.frequency / cutoff) ** 2) }));

// Band-limited impulse: Hann-windowed sinc, flat to about rate / 2.56 as an analyser's anti-alias filter is, tabulated
// at 64 fractions of a sample and interpolated between them.
const taps = 32;
const fractions = 64;
const cutoff = 0.43;
const kernel = (() => {
  const table = new Float64Array((fractions + 1) * taps);
  for (let f = 0; f <= fractions; f++)
    for (let k = 0; k < taps; k++) {
      const x = k - (taps / 2 - 1) - f / fractions;
      const sinc = x === 0 ? 2 * cutoff : Math.sin(2 * Math.PI * cutoff * x) / (Math.PI * x);
      table[f * taps + k] = Math.abs(x) >= taps / 2 ? 0 : sinc * (0.5 + 0.5 * Math.cos((2 * Math.PI * x) / taps));
    }
  return table;
})();

/** Adds an impact at `time` (seconds, between samples) to a force signal. Its area is `strength` at every rate. */
export const strike = (force: Float64Array, clock: Clock, time: number, strength: number): void => {
  const position = (time - clock.start) * clock.sampleRate;
  const whole = Math.floor(position);
  const first = whole - (taps / 2 - 1);
  if (!(first > -taps && first < force.length)) return;
  const fraction = (position - whole) * fractions;
  const row = Math.min(Math.floor(fraction), fractions - 1);
  const blend = fraction - row;
  const scale = strength * clock.sampleRate;
  for (let k = 0; k < taps; k++) {
    const i = first + k;
    if (i < 0 || i >= force.length) continue;
    const low = kernel[row * taps + k];
    force[i] += scale * (low + blend * (kernel[(row + 1) * taps + k] - low));
  }
};

/** Response of the structure to a force signal: the sum of its modes. Modes above half the rate are left out. */
export const ring = (force: Float64Array, modes: Mode[], clock: Clock): Float64Array => {
  const out = silence(clock);
  for (const { frequency, damping, amplitude } of modes)
    if (frequency < highestFrequency(clock))
      addMode(out, force, clock, { frequency, damping, peak: amplitude / (4 * Math.PI * damping * frequency) });
  return out;
};

/**
 * Density of a white force that shakes the structure to `rms` over all modes, those above half the rate included:
 * a mode of peak gain g passes g^2 pi zeta f of the density (noise bandwidth of a resonance, pi zeta f).
 */
export const shakingDensity = (modes: Mode[], rms: number): number => {
  const power = modes.reduce(
    (sum, { frequency, damping, amplitude }) => sum + amplitude ** 2 / (16 * Math.PI * damping * frequency),
    0,
  );
  return rms / Math.sqrt(power);
};

/** Steady random vibration of the structure (rolling, friction, flow), `rms` over all modes. */
export const shaking = (random: Random, clock: Clock, modes: Mode[], rms: number): Float64Array =>
  ring(whiteNoise(random, clock, shakingDensity(modes, rms)), modes, clock);

/** How strongly a tone of `frequency` Hz passes through the structure: 1 when it meets an average mode, less between modes. */
export const transmission = (modes: Mode[], frequency: number): number =>
  modes.reduce((sum, mode) => {
    const ratio = frequency / mode.frequency;
    const offset = (1 - ratio * ratio) / (2 * mode.damping * ratio);
    return sum + (modes.length * mode.amplitude) / Math.sqrt(1 + offset * offset);
  }, 0.25);
