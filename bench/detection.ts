// npm run bench:detection: what the defaults of detection rest on. Writes results/calibration.csv and, with THRUM_DATA,
// results/spectral.csv.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fitDetector } from '../src/detection/detector.ts';
import { type Metric, nearestNeighbours } from '../src/detection/knn.ts';
import { fromRows, type Matrix } from '../src/detection/matrix.ts';
import { createScorer } from '../src/detection/score.ts';
import { learnTransform, type TransformKind, transformRows } from '../src/detection/transform.ts';
import { createSpectral, spectralSettings } from '../src/encoders/spectral.ts';
import type { Embedding, Encoder } from '../src/encoders/types.ts';
import { cwru } from '../src/evaluation/datasets/cwru.ts';
import { locate } from '../src/evaluation/datasets/find.node.ts';
import { rocAuc } from '../src/evaluation/metrics/roc.ts';
import { majorityVote } from '../src/evaluation/protocols/vote.ts';
import { readRecordingFile } from '../src/signal/read-file.node.ts';
import type { Recording } from '../src/signal/recording.ts';
import { pickChannel } from '../src/signal/segments.ts';
import { type MachineName, machineNames, machines, simulate } from '../src/signal/simulate/index.ts';

const TRANSFORMS: TransformKind[] = ['none', 'centre', 'standardise', 'whiten'];

const embedAll = (encoder: Encoder, recordings: readonly Recording[]): Promise<Embedding[]> =>
  Promise.all(recordings.map((recording) => encoder.embed(pickChannel(recording, 0)[0])));

const share = <T>(values: readonly T[], test: (value: T) => boolean) => values.filter(test).length / values.length;

type Rates = { falseAlarms: number; detected: number; auc: number };

/** 200 normal recordings of 2 s to fit on, 200 others to raise false alarms, 20 of every fault at severity 0.3. */
async function calibrationOf(machine: MachineName, machineSeed: number, encoder: Encoder): Promise<Map<string, Rates>> {
  const sampleRate = Math.min(16000, machines[machine].defaultSampleRate);
  const take = (fault: string, count: number, tag: string) =>
    Array.from(
      { length: count },
      (_, i) =>
        simulate({ machine, fault, severity: 0.3, seed: `${tag}${i}`, machineSeed, seconds: 2, sampleRate }).recording,
    );
  const fitted = await embedAll(encoder, take('normal', 200, 'fit'));
  const normal = await embedAll(encoder, take('normal', 200, 'new'));
  const faulty = await embedAll(
    encoder,
    machines[machine].faults.flatMap((fault) => take(fault, 20, 'fault')),
  );
  const results = new Map<string, Rates>();
  for (const transform of TRANSFORMS.filter((kind) => kind !== 'centre')) {
    for (const count of [5, 10, 30, 100, 200]) {
      const detector = await fitDetector({
        encoder,
        signal: { sampleRate, channel: 0, segmentSeconds: null },
        bands: fitted[0].bands,
        settings: { transform },
        segments: fitted
          .slice(0, count)
          .map(({ vector }, i) => ({ entry: { file: `${i}`, startSeconds: 0, durationSeconds: 2 }, vector })),
      });
      const scorer = createScorer(detector);
      const [n, f]: { score: number; pValue: number }[][] = [[], []];
      for (const { vector } of normal) n.push(await scorer.score([vector]));
      for (const { vector } of faulty) f.push(await scorer.score([vector]));
      const auc = rocAuc(
        [...n.map(() => 0), ...f.map(() => 1)],
        [...n, ...f].map(({ score }) => score),
      );
      results.set(`${transform},${count}`, {
        falseAlarms: share(n, ({ pValue }) => pValue <= 0.01),
        detected: share(f, ({ pValue }) => pValue <= 0.01),
        auc: auc.value as number,
      });
    }
  }
  return results;
}

async function benchCalibration(): Promise<string[]> {
  const encoder = createSpectral('spectral', spectralSettings.spectral);
  const sums = new Map<string, Rates[]>();
  for (const machine of machineNames) {
    for (const machineSeed of [1, 2]) {
      for (const [key, rates] of await calibrationOf(machine, machineSeed, encoder))
        sums.set(key, [...(sums.get(key) ?? []), rates]);
    }
    process.stdout.write(`calibration: ${machine} done\n`);
  }
  const percent = (list: readonly Rates[], key: keyof Rates) =>
    ((100 * list.reduce((sum, rates) => sum + rates[key], 0)) / list.length).toFixed(2);
  const lines = [...sums].map(
    ([key, list]) => `${key},${percent(list, 'falseAlarms')},${percent(list, 'detected')},${percent(list, 'auc')}`,
  );
  return [
    '# npm run bench:detection: 14 simulated machines, false-alarm rate asked for: 1 %; means in percent',
    'transform,normal_recordings,false_alarms,faults_detected,auc',
    ...lines,
  ];
}

type Labelled = { recording: Recording; label: string };

/** The 105 fault files of CWRU at 12 kHz with SIREN's ten classes. */
async function readCwru(data: string): Promise<Labelled[]> {
  const located = locate(data, cwru);
  if (!located) throw new Error(`bench: no files of CWRU below ${data}`);
  const items: Labelled[] = [];
  for (const { path, read, label } of located.scan.samples) {
    const [recording] = await readRecordingFile(join(located.root, path), read);
    items.push({ recording, label });
  }
  return items;
}

/** Leave-one-out accuracy of the vote of k neighbours; ties go to the label met first (SIREN). */
async function leaveOneOut(bank: Matrix, labels: readonly string[], metric: Metric, k: number): Promise<number> {
  const groups = labels.map((_, i) => i);
  const found = await nearestNeighbours(bank, bank, { k, metric, bankGroups: groups, queryGroups: groups });
  const right = found.filter(({ indices }, i) => majorityVote(indices.map((index) => labels[index])) === labels[i]);
  return right.length / labels.length;
}

async function benchSpectral(data: string): Promise<string[]> {
  const items = await readCwru(data);
  const labels = items.map(({ label }) => label);
  const lines = [
    `# THRUM_DATA=… npm run bench:detection: CWRU, leave-one-out over ${items.length} files, accuracy in percent`,
    'encoder,transform,metric,k1,k5',
  ];
  for (const [id, config] of Object.entries(spectralSettings)) {
    const embeddings = await embedAll(
      createSpectral(id, config),
      items.map(({ recording }) => recording),
    );
    const raw = fromRows(embeddings.map(({ vector }) => vector));
    for (const transform of TRANSFORMS) {
      const bank = transformRows(learnTransform(transform, raw), raw);
      for (const metric of ['cosine', 'euclidean'] as const) {
        const [one, five] = [await leaveOneOut(bank, labels, metric, 1), await leaveOneOut(bank, labels, metric, 5)];
        lines.push(`${id},${transform},${metric},${(100 * one).toFixed(1)},${(100 * five).toFixed(1)}`);
      }
    }
    process.stdout.write(`spectral: ${id} done\n`);
  }
  return lines;
}

const save = (name: string, lines: readonly string[]) => {
  mkdirSync('results', { recursive: true });
  writeFileSync(join('results', name), `${lines.join('\n')}\n`);
  process.stdout.write(`${lines.join('\n')}\nwritten to results/${name}\n`);
};

const data = process.env.THRUM_DATA;
if (data) save('spectral.csv', await benchSpectral(data));
else process.stdout.write('THRUM_DATA names no folder of real recordings: results/spectral.csv is left as it is\n');
save('calibration.csv', await benchCalibration());
