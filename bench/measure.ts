// Timing for the bench: repeated runs, the median quoted, the best beside it.

export type Timing = { medianMs: number; bestMs: number; runs: number };

/** Runs `work` until `seconds` have passed (at least 5 times), after two runs that do not count. */
export async function measure(work: () => unknown, seconds = 2): Promise<Timing> {
  await work();
  await work();
  const times: number[] = [];
  const end = performance.now() + 1000 * seconds;
  while (times.length < 5 || performance.now() < end) {
    const start = performance.now();
    await work();
    times.push(performance.now() - start);
  }
  times.sort((a, b) => a - b);
  return { medianMs: times[times.length >> 1], bestMs: times[0], runs: times.length };
}

/** A deterministic test signal: tones and a chirp, 10 s at 16 kHz by default. */
export const testSignal = (seconds = 10, sampleRate = 16000): Float32Array =>
  Float32Array.from(
    { length: seconds * sampleRate },
    (_, i) => 0.3 * Math.sin(i * 0.1) + 0.3 * Math.sin(i * i * 1e-6) + 0.1 * Math.sin(i * 1.7),
  );

export const median = (values: readonly number[]): number => [...values].sort((a, b) => a - b)[values.length >> 1];
