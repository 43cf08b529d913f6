// thrum fit: from normal (or labelled) recordings to a detector file.
import { dirname } from 'node:path';
import type { DetectorSettings } from '../detection/detector.ts';
import { writeDetector } from '../detection/detector-file.ts';
import { encoderFile } from '../detection/encoder-place.node.ts';
import { type FitFilesOptions, fitFiles } from '../detection/fit-files.node.ts';
import { labelsFromFolders, type Naming, namesFromTable } from '../detection/labels.node.ts';
import { writeShards } from '../detection/shards.node.ts';
import type { Failure } from '../encoders/embed-file.node.ts';
import { DEFAULT_ENCODER, type EncoderSpec } from '../encoders/load.node.ts';
import { collectFiles } from '../signal/collect-files.node.ts';
import { inputMessage } from '../signal/errors.ts';
import { type Command, choice, number, type Options, required, requireFiles, text } from './command.ts';
import { describeCalibration } from './describe.ts';
import { checkWritable, createProgress, note, print, reportFailures, writeFileSafely } from './output.ts';
import {
  channelFrom,
  channelOptionSpec,
  encoderFrom,
  encoderOptionSpecs,
  partFrom,
  readOptionSpecs,
  readOptionsFrom,
  workersFrom,
} from './recording-options.ts';
import { machinesOptionSpec, machinesToFit } from './shard-options.ts';

function settingsFrom(options: Options): Partial<DetectorSettings> {
  const settings: Partial<DetectorSettings> = {
    metric: choice(options, 'metric', ['cosine', 'euclidean']),
    k: number(options, 'neighbours', { min: 1, integer: true }),
    transform: choice(options, 'transform', ['none', 'centre', 'standardise', 'whiten']),
    aggregation: choice(options, 'aggregate', ['mean', 'max']),
    falseAlarmRate: number(options, 'false-alarm-rate', { above: 0, below: 1 }),
    normalLabel: text(options, 'normal'),
  };
  return Object.fromEntries(Object.entries(settings).filter(([, value]) => value !== undefined));
}

const labelling = (source: string | undefined, files: readonly string[]): Naming | undefined =>
  source === undefined ? undefined : source === 'folder' ? labelsFromFolders(files) : namesFromTable(source, files);

function fittingFrom(options: Options, files: readonly string[], encoder: EncoderSpec): FitFilesOptions {
  const rate = number(options, 'resample', { above: 0 });
  const domains = text(options, 'domains');
  return {
    encoder,
    read: readOptionsFrom(options),
    preparation: {
      channel: channelFrom(options),
      segmentSeconds: number(options, 'segment', { above: 0 }) ?? DEFAULT_SEGMENT_SECONDS,
      part: partFrom(options),
      ...(rate !== undefined && { sampleRate: rate, resample: true }),
    },
    settings: settingsFrom(options),
    labels: labelling(text(options, 'labels'), files),
    domains: domains === undefined ? undefined : namesFromTable(domains, files),
    workers: workersFrom(options),
  };
}

/** A detector for each machine, in a folder. A machine whose recordings cannot be used is left out, and said so. */
async function fitMachines(
  files: readonly string[],
  machineOf: Naming,
  fitting: FitFilesOptions,
  folder: string,
): Promise<number> {
  const failures: Failure[] = [];
  const byMachine = new Map<string, string[]>();
  for (const file of files) {
    const machine = machineOf(file);
    if (machine === undefined) failures.push({ file, message: `${file}: no machine is named for it` });
    else byMachine.set(machine, [...(byMachine.get(machine) ?? []), file]);
  }
  const shards = writeShards(folder);
  const progress = createProgress('machines fitted:');
  const place = encoderFile(fitting.encoder.encoder, folder);
  let done = 0;
  let bytes = 0;
  for (const [machine, own] of byMachine) {
    try {
      const { detector, failures: failed, warnings } = await fitFiles(own, fitting);
      const encoder = { ...detector.encoder, ...(place !== undefined && { file: place }) };
      bytes += await shards.add(machine, { ...detector, encoder });
      failures.push(...failed);
      for (const warning of warnings) note(warning);
    } catch (error) {
      failures.push({ file: machine, message: `${machine}: ${inputMessage(error)}` });
    }
    progress.update(++done, byMachine.size);
  }
  progress.end();
  const { machines } = shards.finish();
  print(`${folder}: ${machines} machines, ${bytes} bytes, ${Math.round(bytes / machines)} for each`);
  return reportFailures(failures, files.length);
}

export const fitCommand: Command = {
  summary: 'learn what normal is from normal recordings',
  usage: 'NORMAL… --out FILE [options]',
  details:
    'Files and folders of normal recordings become a detector file. With --labels, faults can be named too: recordings\nlabelled `normal` (or as --normal says) set the threshold, all others stand for their fault.',
  examples: [
    'thrum fit recordings/normal --out pump.thrum',
    'thrum fit 97_Normal_0.mat --rate 12000 --part 0-50% --segment 2 --out bearing.thrum',
    'thrum fit faults/ --rate 12000 --labels folder --out rig.thrum',
    'thrum fit plant/ --machines folder --out plant.shards',
  ],
  options: {
    out: { value: 'FILE', short: 'o', description: 'detector file to write' },
    'false-alarm-rate': {
      value: 'P',
      description: 'share of normal recordings that may raise an alarm (default 0.01)',
    },
    segment: {
      value: 'SECONDS',
      description: 'cut recordings into pieces of this length (default: 10; whole recordings if shorter)',
    },
    labels: { value: 'WHAT', description: '`folder` (a folder per label), or a table of file and label' },
    normal: { value: 'LABEL', description: 'label that means healthy (default normal)' },
    domains: {
      value: 'FILE',
      description: 'table of file and operating condition; each condition gets a bank of its own',
    },
    machines: machinesOptionSpec,
    channel: channelOptionSpec,
    resample: { value: 'HZ', description: 'convert all recordings to this rate' },
    metric: { value: 'M', description: 'cosine or euclidean (default euclidean)' },
    neighbours: { value: 'K', short: 'k', description: 'neighbours whose mean distance is the score (default 1)' },
    transform: {
      value: 'T',
      description: 'none, centre, standardise or whiten, learned from the bank (default whiten)',
    },
    aggregate: { value: 'A', description: 'score of a recording from its pieces: mean or max (default mean)' },
    ...readOptionSpecs,
    ...encoderOptionSpecs,
    json: { description: 'print the result as JSON' },
  },
  async run(paths, options) {
    requireFiles(paths);
    const out = required(options, 'out', 'FILE');
    const machines = text(options, 'machines');
    if (machines === undefined) checkWritable(out);
    const files = collectFiles(paths);
    const spec = encoderFrom(options, DEFAULT_ENCODER);
    const fitting = fittingFrom(options, files, spec);
    if (machines !== undefined) return fitMachines(files, machinesToFit(machines, files), fitting, out);
    const progress = createProgress('listening to');
    const { detector, failures, warnings } = await fitFiles(files, { ...fitting, onFile: progress.update });
    progress.end();
    const file = encoderFile(spec.encoder, dirname(out));
    const remembered = { ...detector, encoder: { ...detector.encoder, ...(file !== undefined && { file }) } };
    writeFileSafely(out, await writeDetector(remembered));
    for (const warning of warnings) note(warning);
    const recordings = new Set(detector.entries.map(({ file }) => file)).size;
    const labels = [...new Set(detector.entries.flatMap(({ label }) => label ?? []))];
    if (options.json) {
      const { signal, settings, threshold, encoder } = detector;
      print(
        JSON.stringify({
          out,
          encoder,
          signal,
          settings,
          threshold,
          recordings,
          segments: detector.entries.length,
          labels,
          failures,
        }),
      );
    } else {
      print(
        `${out}: ${recordings} recordings, ${detector.entries.length} segments at ${detector.signal.sampleRate} Hz, encoder ${detector.encoder.id}`,
      );
      if (labels.length > 0) print(`labels: ${labels.join(', ')}`);
      print(describeCalibration(detector));
    }
    return reportFailures(failures, files.length);
  },
};

/** Pieces of ten seconds: what the published encoders were made for; shorter recordings stay whole. */
const DEFAULT_SEGMENT_SECONDS = 10;
