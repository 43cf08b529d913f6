// Sentences about a detector.
import { pValue, thresholdBasis, thresholdFor } from '../detection/calibration.ts';
import type { Detector } from '../detection/detector.ts';

/** Thresholds are found to 1e-9 of themselves. */
const SAME = 1e-6;

/** Normal segments from which on ranks alone reach the rate: rate (n + 1) >= 1. */
const segmentsWithoutModel = (rate: number): number => Math.max(20, Math.ceil(1 / rate) - 1);

/** One sentence on what the detector can promise. */
export function describeCalibration({ calibration, threshold, settings }: Detector): string {
  if (!calibration || threshold === undefined) return 'no normal recordings: faults can be named, not detected';
  const alarm = `alarm at a score of ${threshold.toPrecision(4)} (1 is usual)`;
  const { length } = calibration.scores;
  const { falseAlarmRate } = settings;
  if (Math.abs(threshold / thresholdFor(calibration, falseAlarmRate) - 1) > SAME) {
    const share = pValue(calibration, threshold);
    return `${alarm}, set by hand; about ${share.toPrecision(2)} of normal recordings score as high, by ${length} normal scores`;
  }
  const basis =
    thresholdBasis(calibration, falseAlarmRate) === 'distribution-free'
      ? `by ranks of ${length} normal scores`
      : `by a Student t tail over ${length} normal scores (${segmentsWithoutModel(falseAlarmRate)} or more would do without a model)`;
  return `${alarm}, false-alarm rate ${falseAlarmRate}, ${basis}`;
}
