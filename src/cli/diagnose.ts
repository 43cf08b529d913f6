// thrum diagnose: the names of faults, by labelled recordings.
import { checkEncoder, type ScoredRecording, scoreFiles } from '../detection/score-files.node.ts';
import type { Failure } from '../encoders/embed-file.node.ts';
import { collectFiles } from '../signal/collect-files.node.ts';
import { type Command, flag, InputError, required, requireFiles } from './command.ts';
import { readDetectorFile } from './detector-option.ts';
import { createProgress, print, reportFailures } from './output.ts';
import {
  encoderFrom,
  encoderOptionSpecs,
  partFrom,
  readOptionSpecs,
  readOptionsFrom,
  workersFrom,
} from './recording-options.ts';
import { plainRow } from './score.ts';

function tableRow({ name, diagnosis }: ScoredRecording): string {
  const [first, second] = diagnosis?.votes ?? [];
  const other = second && second.weight > 0.05 ? `, then ${second.label} ${Math.round(100 * second.weight)} %` : '';
  const found =
    diagnosis?.label === first?.label ? `${Math.round(100 * (first?.weight ?? 0))} %` : `nearest is ${first?.label}`;
  return `${name}\t${diagnosis?.label} (${found}${other})`;
}

export const diagnoseCommand: Command = {
  summary: 'name faults by labelled recordings',
  usage: 'FILES… --detector FILE [options]',
  details: 'The nearest labelled recordings vote. Where nothing labelled is near, the answer is `unknown`.',
  examples: ['thrum diagnose new.mat --rate 12000 --detector rig.thrum'],
  options: {
    detector: { value: 'FILE', short: 'd', description: 'detector made by thrum fit --labels' },
    json: { description: 'print one JSON object per recording' },
    'per-segment': { description: 'one row per segment instead of one per recording' },
    resample: { description: "convert recordings of other rates to the detector's" },
    ...readOptionSpecs,
    ...encoderOptionSpecs,
  },
  async run(paths, options) {
    requireFiles(paths);
    const detectorPath = required(options, 'detector', 'FILE');
    const detector = await readDetectorFile(detectorPath);
    if (!detector.labelledCalibration) {
      throw new InputError(`${detectorPath} has no labels; fit it with thrum fit --labels`);
    }
    const files = collectFiles(paths);
    const encoder = encoderFrom(options, detector.encoder.id);
    await checkEncoder(detector, encoder);
    const failures: Failure[] = [];
    const progress = createProgress('diagnosed');
    let done = 0;
    const results = scoreFiles(files, detector, {
      encoder,
      read: readOptionsFrom(options),
      part: partFrom(options),
      resample: flag(options, 'resample'),
      perSegment: flag(options, 'per-segment'),
      workers: workersFrom(options),
    });
    for await (const result of results) {
      for (const row of result.scored) print(flag(options, 'json') ? JSON.stringify(plainRow(row)) : tableRow(row));
      failures.push(...result.failures);
      progress.update(++done, files.length);
    }
    progress.end();
    return reportFailures(failures, files.length);
  },
};
