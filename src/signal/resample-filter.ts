// The interpolation filter of a resampler: a windowed sinc, looked up by phase. One design serves both conventions (torchaudio, scipy).
import { besselI0 } from './window.ts';

/** A windowed sinc for the change of rate by `up`/`down` (no common factor). */
export type FilterDesign = {
  up: number;
  down: number;
  /** Zero crossings of the sinc on either side. */
  zeros: number;
  /** Cut-off as a share of the lower of both Nyquist frequencies. */
  rolloff: number;
  window: 'hann' | 'hamming' | 'kaiser';
  /** Of the Kaiser window. */
  beta: number;
  /** `unit`: scale the taps to a gain of exactly 1 at 0 Hz. A number: multiply the windowed sinc by it (Kaiser: 1/I0(β)). */
  gain: 'unit' | number;
  /** Round the phase of an output sample to float32, as torchaudio's transform does. */
  float32Phase: boolean;
};

/**
 * Weights of the input samples around an output. Output m has phase p = m mod up and looks at `taps` input samples from
 * floor(m/up)·down + first[p] on; its weights are weights[row·taps …], where `row(p)` gives (and if need be computes) the row.
 */
export type PhaseFilter = {
  taps: number;
  weights: Float64Array;
  row(phase: number): number;
  first(phase: number): number;
};

/** Tables up to this many weights (8 MiB) are kept; beyond, every row is computed when it is used. */
const MAX_TABLE_WEIGHTS = 2 ** 20;
const MAX_CACHED_FILTERS = 8;
/** The gain of a filter is summed over at most this many points per zero crossing: finer sums differ by less than 1e-10. */
const MAX_GAIN_STEPS = 8192;

const filters = new Map<string, PhaseFilter>();

/** The filter of a design, made once per design and shared. */
export const phaseFilter = (design: FilterDesign): PhaseFilter => {
  const key = JSON.stringify(Object.entries(design).sort());
  const known = filters.get(key);
  if (known) return known;
  const filter = createFilter(design);
  for (const oldest of filters.keys()) {
    if (filters.size < MAX_CACHED_FILTERS) break;
    filters.delete(oldest);
  }
  filters.set(key, filter);
  return filter;
};

/** All taps at the common (up-sampled) rate, 2·halfLength + 1 of them: what scipy's firwin designs for resample_poly. */
export const filterTaps = (design: FilterDesign): Float64Array => {
  const half = Math.floor(halfLength(design));
  const scale = tapScale(design);
  return Float64Array.from({ length: 2 * half + 1 }, (_, i) => scale * shapeAt(design, (i - half) * cutoff(design)));
};

/** Cut-off in cycles per two samples of the common rate. */
const cutoff = ({ up, down, rolloff }: FilterDesign): number => rolloff / Math.max(up, down);

/** Half the filter's length, in samples of the common rate. */
const halfLength = (design: FilterDesign): number => design.zeros / cutoff(design);

/** sinc(t)·window, t in zero crossings; the Kaiser window without its constant divisor I0(β), which is part of the gain. */
const shapeAt = ({ zeros, window, beta }: FilterDesign, t: number): number => {
  const x = t / zeros;
  if (Math.abs(x) > 1) return 0;
  const sinc = t === 0 ? 1 : Math.sin(Math.PI * t) / (Math.PI * t);
  if (window === 'kaiser') return sinc * besselI0(beta * Math.sqrt(1 - x * x));
  if (window === 'hamming') return sinc * (0.54 + 0.46 * Math.cos(Math.PI * x));
  return sinc * Math.cos((Math.PI * x) / 2) ** 2;
};

/** The factor of all taps: for unit gain, up divided by the sum of the shape over every tap. */
const tapScale = (design: FilterDesign): number => {
  if (design.gain !== 'unit') return design.gain * design.up * cutoff(design);
  const perZero = 1 / cutoff(design);
  const steps = Math.min(MAX_GAIN_STEPS, perZero);
  const reach = Math.floor(design.zeros * steps);
  let sum = 0;
  for (let i = -reach; i <= reach; i++) sum += shapeAt(design, i / steps);
  return (design.up * steps) / (sum * perZero);
};

const createFilter = (design: FilterDesign): PhaseFilter => {
  const { up, down, rolloff, float32Phase } = design;
  const half = halfLength(design);
  const taps = Math.floor((2 * half) / up) + 1;
  const scale = tapScale(design);
  const step = cutoff(design);
  const tabled = up * taps <= MAX_TABLE_WEIGHTS;
  const weights = new Float64Array(tabled ? up * taps : taps);
  const ready = new Uint8Array(tabled ? up : 0);
  const first = (phase: number): number => Math.ceil((phase * down - half) / up);
  const fill = (phase: number, at: number): void => {
    const start = first(phase);
    const shift = float32Phase ? (Math.fround(phase / up) - phase / up) * rolloff * Math.min(up, down) : 0;
    for (let i = 0; i < taps; i++) {
      weights[at + i] = scale * shapeAt(design, ((start + i) * up - phase * down) * step - shift);
    }
  };
  const row = (phase: number): number => {
    const at = tabled ? phase * taps : 0;
    if (!tabled || ready[phase] === 0) fill(phase, at);
    if (tabled) ready[phase] = 1;
    return at;
  };
  return { taps, weights, row, first };
};
