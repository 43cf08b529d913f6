// thrum threshold: another false-alarm rate, or a threshold by hand, without fitting again.
import { withThreshold } from '../detection/detector.ts';
import { writeDetector } from '../detection/detector-file.ts';
import { type Command, number, UsageError } from './command.ts';
import { describeCalibration } from './describe.ts';
import { readDetectorFile } from './detector-option.ts';
import { print, writeFileSafely } from './output.ts';

export const thresholdCommand: Command = {
  summary: 'change the false-alarm rate of a detector without fitting it again',
  usage: 'DETECTOR [--false-alarm-rate P | --score S]',
  examples: ['thrum threshold pump.thrum --false-alarm-rate 0.001'],
  options: {
    'false-alarm-rate': { value: 'P', description: 'share of normal recordings that may raise an alarm' },
    score: { value: 'S', description: 'threshold by hand, in units of the usual distance' },
  },
  async run([path, ...rest], options) {
    if (path === undefined || rest.length > 0) throw new UsageError('expected one detector file');
    const rate = number(options, 'false-alarm-rate', { above: 0, below: 1 });
    const threshold = number(options, 'score', { above: 0 });
    if (rate !== undefined && threshold !== undefined)
      throw new UsageError('expected --false-alarm-rate or --score, not both');
    let detector = await readDetectorFile(path);
    if (rate !== undefined) detector = withThreshold(detector, { falseAlarmRate: rate });
    if (threshold !== undefined) detector = withThreshold(detector, { threshold });
    if (rate !== undefined || threshold !== undefined) writeFileSafely(path, await writeDetector(detector));
    print(`${path}: ${describeCalibration(detector)}`);
    return 0;
  },
};
