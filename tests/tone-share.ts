// How much of a signal is one sine: the oracle for lossy formats, whose samples are not what went in.

/** Share of the energy, 0 to 1, that the best-fitting sine of `frequency` Hz explains. */
export const toneShare = (samples: Float32Array, sampleRate: number, frequency: number): number => {
  let real = 0;
  let imaginary = 0;
  let energy = 0;
  for (const [i, x] of samples.entries()) {
    const phase = (2 * Math.PI * frequency * i) / sampleRate;
    real += x * Math.cos(phase);
    imaginary += x * Math.sin(phase);
    energy += x * x;
  }
  return (2 * (real * real + imaginary * imaginary)) / (samples.length * energy);
};
