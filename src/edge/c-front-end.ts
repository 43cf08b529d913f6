// C code from samples to features: log-mel pictures, or the bands of ECHO's spectrogram at one rate.
import type { BandFrontEnd, MelFrontEnd } from '../encoders/student-config.ts';
import { melFilterbank } from '../signal/mel.ts';
import { hannWindow } from '../signal/window.ts';
import { fftCode } from './c-fft.ts';
import { floatLiteral, tableCode } from './c-text.ts';
import type { FrontEndSizes } from './front-end-sizes.ts';

export type FrontEndCode = {
  /** Functions and tables, `$n_features` the last of them; `$n_work` is where they compute. */
  code: string;
  /** Floats of `$n_work`. */
  workFloats: number;
  tableBytes: number;
};

/** A frame times the window, in the order that `$n_power` takes; `sample` is the C expression of sample `at`. */
const frameCode = (window: number, nFft: number, sample: string): string => {
  const lead = (nFft - window) >> 1;
  const even = nFft % 2 === 0;
  const at = lead === 0 ? 'i' : `${lead} + i`;
  const cleared = window < nFft || !even ? '  memset(work, 0, 2 * $N_POINTS * sizeof *work);\n' : '';
  const place = even ? '($N_FRAME_AT(i) % 2) * $N_POINTS + $N_FRAME_AT(i) / 2' : '$N_FRAME_AT(i)';
  return `
#define $N_FRAME_AT(i) (${at})
static void $n_frame(const float *samples, int start, float offset, float *work)
{
${cleared}  for (int i = 0; i < ${window}; i++) {
    const int at = start + $N_FRAME_AT(i);
    work[${place}] = (${sample} - offset) * $n_window[i];
  }
}
`;
};

const reflected = (last: number, value: string): string => `
/* Beyond its ends a window of sound is its own mirror image. */
static float $n_sample(const float *samples, int at)
{
  if (at < 0) at = -at;
  if (at > ${last}) at = ${2 * last} - at;
  return ${value};
}
`;

function melCode(frontEnd: MelFrontEnd, sizes: FrontEndSizes): FrontEndCode {
  const { nFft, winLength, mels, fMin, fMax, floor, mean, deviation, variant, sampleRate } = frontEnd;
  const emphasis = variant === 'cpjku-2023';
  const bank = melFilterbank({ sampleRate, nFft, mels, fMin, fMax, scale: emphasis ? 'kaldi' : 'htk' });
  const weights: number[] = [];
  for (let mel = 0; mel < mels; mel++) {
    for (let bin = bank.first[mel]; bin < bank.end[mel]; bin++) weights.push(bank.weights[mel * bank.bins + bin]);
  }
  const counts = bank.end.map((end, mel) => end - bank.first[mel]);
  const fft = fftCode(nFft);
  const last = sizes.samples - (emphasis ? 2 : 1);
  const value = emphasis ? 'samples[at + 1] - 0.97f * samples[at]' : 'samples[at]';
  const code = `${fft.code}
${tableCode('float', '$n_window', hannWindow(winLength, { periodic: !emphasis }))}
/* Mel filters: the first bin of each, how many bins it has, and their weights one filter after the other. */
${tableCode('uint16_t', '$n_mel_first', bank.first)}${tableCode('uint16_t', '$n_mel_count', counts)}${tableCode('float', '$n_mel_weights', weights)}${reflected(last, value)}${frameCode(winLength, nFft, '$n_sample(samples, at)')}
void $n_features(const float *samples, float *features)
{
  for (int t = 0; t < $N_FRAMES; t++) {
    const float *power, *weight = $n_mel_weights;
    $n_frame(samples, t * ${sizes.hopLength} - ${nFft >> 1}, 0.0f, $n_work);
    power = $n_power($n_work);
    for (int mel = 0; mel < $N_ROWS; mel++) {
      const float *bin = power + $n_mel_first[mel];
      float energy = 0.0f;
      for (int i = 0; i < $n_mel_count[mel]; i++) energy += *weight++ * bin[i];
      features[mel * $N_FRAMES + t] = (logf(energy + ${floatLiteral(floor)}) - ${floatLiteral(mean)}) / ${floatLiteral(deviation)};
    }
  }
}
`;
  const tableBytes = fft.tableBytes + 4 * (winLength + weights.length) + 4 * mels;
  return { code, workFloats: fft.workFloats, tableBytes };
}

/** Of ECHO's training data, as in `echoSpectrogram`. */
const ECHO = { floor: 1e-9, mean: -5.874158, scale: 1 / (2 * 5.223174) };

function bandsCode({ mean, deviation }: BandFrontEnd, sizes: FrontEndSizes): FrontEndCode {
  const { nFft, hopLength, rows, samples } = sizes;
  const bins = (nFft >> 1) + 1;
  const bandRows = (sizes.bands?.length ?? 0) * rows;
  const missing = bandRows - bins;
  const firstMissing = bandRows - rows;
  const fft = fftCode(nFft);
  const code = `${fft.code}
${tableCode('float', '$n_window', hannWindow(nFft))}${frameCode(nFft, nFft, 'samples[at]')}
/*
 * A short last band has its bins at the top. Sums are of double precision: there are many values, and their mean is
 * taken away from each of them.
 */
void $n_features(const float *samples, float *features)
{
  double sum = 0.0;
  float level;
  for (int i = 0; i < $N_WINDOW_SAMPLES; i++) sum += samples[i];
  level = (float)(sum / ${samples});
  sum = 0.0;
  for (int t = 0; t < $N_FRAMES; t++) {
    const float *power;
    $n_frame(samples, t * ${hopLength}, level, $n_work);
    power = $n_power($n_work);
    for (int bin = 0; bin < ${bins}; bin++) {
      const int row = bin < ${firstMissing} ? bin : bin + ${missing};
      const float value = (logf(sqrtf(power[bin]) + ${floatLiteral(ECHO.floor)}) + ${floatLiteral(-ECHO.mean)}) * ${floatLiteral(ECHO.scale)};
      features[row * $N_FRAMES + t] = value;
      sum += value;
    }
  }
  level = (float)(sum / ((double)${bins} * $N_FRAMES));
  for (int row = 0; row < ${bandRows}; row++) {
    float *values = features + row * $N_FRAMES;
    const int empty = row >= ${firstMissing} && row < ${firstMissing + missing};
    for (int t = 0; t < $N_FRAMES; t++) values[t] = ((empty ? 0.0f : values[t] - level) - ${floatLiteral(mean)}) / ${floatLiteral(deviation)};
  }
  features[${bandRows} * $N_FRAMES] = level;
}
`;
  return { code, workFloats: fft.workFloats, tableBytes: fft.tableBytes + 4 * nFft };
}

/** Code of a front end: `void $n_features(const float *samples, float *features)`. */
export const frontEndCode = (frontEnd: MelFrontEnd | BandFrontEnd, sizes: FrontEndSizes): FrontEndCode =>
  frontEnd.kind === 'mel' ? melCode(frontEnd, sizes) : bandsCode(frontEnd, sizes);
