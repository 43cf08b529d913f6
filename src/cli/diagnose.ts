// thrum diagnose: the names of faults, by labelled recordings.
import type { ScoredRecording } from '../detection/score-files.node.ts';
import { collectFiles } from '../signal/collect-files.node.ts';
import { type Command, flag, InputError, required, requireFiles } from './command.ts';
import { readDetectorFile } from './detector-option.ts';
import { print, reportFailures } from './output.ts';
import { plainRow } from './score.ts';
import { scoreAll, scoringFrom, scoringOptionSpecs } from './scoring.ts';

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
    ...scoringOptionSpecs,
  },
  async run(paths, options) {
    requireFiles(paths);
    const detectorPath = required(options, 'detector', 'FILE');
    const detector = await readDetectorFile(detectorPath);
    if (!detector.labelledCalibration) {
      throw new InputError(`${detectorPath} has no labels; fit it with thrum fit --labels`);
    }
    const files = collectFiles(paths);
    const scoring = await scoringFrom(options, detector, detectorPath);
    const { failures } = await scoreAll(files, detector, scoring, (row) =>
      print(flag(options, 'json') ? JSON.stringify(plainRow(row)) : tableRow(row)),
    );
    return reportFailures(failures, files.length);
  },
};
