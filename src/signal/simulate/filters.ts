// Small recursive filters with corners in Hz. In place, because the simulator owns its buffers.
import type { Clock } from './clock.ts';

// Direct form I: b0 + b1 z^-1 + b2 z^-2 over 1 + a1 z^-1 + a2 z^-2.
const biquad = (signal: Float64Array, b0: number, b1: number, b2: number, a1: number, a2: number): void => {
  let x1 = 0;
  let x2 = 0;
  let y1 = 0;
  let y2 = 0;
  for (let i = 0; i < signal.length; i++) {
    const x = signal[i];
    const y = b0 * x + b1 * x1 + b2 * x2 - a1 * y1 - a2 * y2;
    x2 = x1;
    x1 = x;
    y2 = y1;
    y1 = y;
    signal[i] = y;
  }
};

/** Second-order low-pass by the bilinear transform with prewarped corner (Hz, below half the rate); q 0.7071 is Butterworth. */
export const lowPass = (signal: Float64Array, clock: Clock, corner: number, q = Math.SQRT1_2): void => {
  const k = Math.tan((Math.PI * corner) / clock.sampleRate);
  const norm = 1 / (1 + k / q + k * k);
  const b = k * k * norm;
  biquad(signal, b, 2 * b, b, 2 * (k * k - 1) * norm, (1 - k / q + k * k) * norm);
};

/** Second-order high-pass, as `lowPass`. */
export const highPass = (signal: Float64Array, clock: Clock, corner: number, q = Math.SQRT1_2): void => {
  const k = Math.tan((Math.PI * corner) / clock.sampleRate);
  const norm = 1 / (1 + k / q + k * k);
  biquad(signal, norm, -2 * norm, norm, 2 * (k * k - 1) * norm, (1 - k / q + k * k) * norm);
};

/** Resonant low-pass with gain 1 at 0 Hz whose poles are exactly those of a damped oscillator (frequency in Hz, damping ratio). */
export const oscillatorLowPass = (signal: Float64Array, clock: Clock, frequency: number, damping: number): void => {
  const omega = (2 * Math.PI * frequency) / clock.sampleRate;
  const radius = Math.exp(-damping * omega);
  const a1 = -2 * radius * Math.cos(omega * Math.sqrt(1 - damping * damping));
  const a2 = radius * radius;
  biquad(signal, 1 + a1 + a2, 0, 0, a1, a2);
};

/**
 * Band-pass of one structural mode, added to `out`: poles of the damped oscillator, zeros at 0 Hz and at half the rate,
 * gain `peak` at `frequency`. Poles are matched, not bilinear, so that ring frequency and decay hold at every rate.
 */
export const addMode = (
  out: Float64Array,
  input: Float64Array,
  clock: Clock,
  { frequency, damping, peak }: { frequency: number; damping: number; peak: number },
): void => {
  const omega = (2 * Math.PI * frequency) / clock.sampleRate;
  const radius = Math.exp(-damping * omega);
  const a1 = -2 * radius * Math.cos(omega * Math.sqrt(1 - damping * damping));
  const a2 = radius * radius;
  // |H| at omega without gain: |1 - e^-2jw| over |1 + a1 e^-jw + a2 e^-2jw|.
  const real = 1 + a1 * Math.cos(omega) + a2 * Math.cos(2 * omega);
  const imaginary = a1 * Math.sin(omega) + a2 * Math.sin(2 * omega);
  const gain = (peak * Math.hypot(real, imaginary)) / (2 * Math.sin(omega));
  let x1 = 0;
  let x2 = 0;
  let y1 = 0;
  let y2 = 0;
  for (let i = 0; i < out.length; i++) {
    const x = input[i];
    const y = gain * (x - x2) - a1 * y1 - a2 * y2;
    x2 = x1;
    x1 = x;
    y2 = y1;
    y1 = y;
    out[i] += y;
  }
};
