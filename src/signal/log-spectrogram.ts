// The normalised log-magnitude spectrograms of ECHO and FISHER: any rate, 25 ms frames every 10 ms.
import type { Samples } from './samples.ts';
import { mapSpectrogram, type Spectrogram, spectrogramSize } from './spectrogram.ts';

type Normalisation = { floor: number; mean: number; deviation: number };

/** Statistics of the training data, in nepers. The value is (ln(magnitude + floor) - mean) / (2·deviation). */
const echo: Normalisation = { floor: 1e-9, mean: -5.874158, deviation: 5.223174 };
const fisher: Normalisation = { floor: 1e-10, mean: -3.017344307886898, deviation: 2.1531635155379805 };

/**
 * ECHO's input (arXiv 2508.14689; reference code, commit f55b5a3): mean removed, nFft = trunc(0.025·rate), hop = trunc(0.01·rate),
 * periodic Hann, no padding, (ln(|X| + 1e-9) + 5.874158) / (2·5.223174). Values [frames, bins].
 * @throws InputError for rates below 100 Hz, samples that are not finite, and signals shorter than nFft.
 */
export const echoSpectrogram = <S extends Samples>(signal: S, sampleRate: number): Spectrogram<S> =>
  normalisedLog('echoSpectrogram', signal, sampleRate, echo, true);

/**
 * FISHER's input (arXiv 2507.16696; reference code, commit 60dd0c8): as ECHO's, with
 * (ln(|X| + 1e-10) + 3.017344307886898) / (2·2.1531635155379805). Values [frames, bins].
 * `removeMean: false` is for segments that had their mean removed and were zero-padded afterwards (RMIS): removing
 * a mean again would lift the silent tail above the floor of the logarithm.
 * @throws InputError for rates below 100 Hz, samples that are not finite, and signals shorter than nFft.
 */
export const fisherSpectrogram = <S extends Samples>(
  signal: S,
  sampleRate: number,
  { removeMean = true }: { removeMean?: boolean } = {},
): Spectrogram<S> => normalisedLog('fisherSpectrogram', signal, sampleRate, fisher, removeMean);

const normalisedLog = <S extends Samples>(
  caller: string,
  signal: S,
  sampleRate: number,
  { floor, mean, deviation }: Normalisation,
  removeMean: boolean,
): Spectrogram<S> => {
  const { nFft, hopLength } = spectrogramSize(signal.length, sampleRate);
  const scale = 1 / (2 * deviation);
  return mapSpectrogram(caller, signal, sampleRate, { nFft, hopLength, removeMean }, (re, im, out, at) => {
    for (let k = 0; k < re.length; k++) {
      const magnitude = Math.sqrt(re[k] * re[k] + im[k] * im[k]);
      out[at + k] = (Math.log(magnitude + floor) - mean) * scale;
    }
  });
};
