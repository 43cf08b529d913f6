// thrum bench scenes: classifiers on the test clips of scenes, device by device, with what they cost.
import { resolve } from 'node:path';
import type { Architecture } from '../encoders/family.ts';
import { countParameters, loadEncoder, loadWeights } from '../encoders/load.node.ts';
import { type StudentConfig, studentPlan } from '../encoders/student-config.ts';
import { isGenerated } from '../evaluation/datasets/generated-marker.ts';
import { type Recognised, recogniseDataSets } from '../evaluation/datasets/recognise.node.ts';
import { sceneDataSets } from '../evaluation/datasets/tau.ts';
import { sceneFigures } from '../evaluation/scenes/score.ts';
import {
  formatScenes,
  type SceneCost,
  type SceneResult,
  type SceneRow,
  scenesCsv,
  scenesJson,
} from '../evaluation/scenes/table.ts';
import { planCost } from '../nn/layer-plan.ts';
import { InputError } from '../signal/errors.ts';
import type { LabelledItem } from '../training/data/labelled-types.ts';
import { askClassifier } from './finetune-classify.ts';
import { print } from './output.ts';
import { checkOutputs, type Output, writeOutputs } from './output-folder.ts';
import { version } from './version.ts';

export type ScenesBenchOptions = {
  /** Folder with the data set in it, or that of the data set itself. */
  data: string;
  /** Classifiers, separated by commas. */
  encoders: string;
  /** Folder for `scenes.csv` and `scenes.json`; it is made where it is missing. */
  out?: string;
  /** Print the result as one line of JSON, in place of the tables. */
  json?: boolean;
  workers?: number;
};

/** What is written below `out`. */
const outputs: Output<SceneResult>[] = [
  { file: 'scenes.csv', contentOf: scenesCsv },
  { file: 'scenes.json', contentOf: scenesJson },
];

/** A clip to be asked about; its device is known. */
type TestItem = LabelledItem & { device: string };

function findScenes(data: string): Recognised & { items: TestItem[] } {
  const found = recogniseDataSets(data).filter(({ dataSet }) => sceneDataSets.includes(dataSet));
  if (found.length !== 1) {
    const what = found.map(({ dataSet }) => dataSet.id).join(', ') || 'none';
    throw new InputError(
      `bench scenes: expected one of ${sceneDataSets.map(({ id }) => id).join(', ')} in ${data}, found ${what}; name a folder with one`,
    );
  }
  const [one] = found;
  const items = one.scan.samples
    .filter(({ split }) => split === 'test')
    .map(({ path, label, attributes }) => ({ path: resolve(one.root, path), label, device: attributes.device }));
  if (items.length > 0) return { ...one, items };
  throw new InputError(
    `bench scenes: expected test clips in ${one.root}, found none; unpack the lists (evaluation_setup) too`,
  );
}

/** What a student costs in int8, by the rules of DCASE Task 1; undefined for other encoders. */
export function studentCost({ config }: Pick<Architecture, 'config'>): SceneCost | undefined {
  if (!('network' in config && 'frontEnd' in config && 'outputs' in config)) return undefined;
  const { int8Bytes, macs } = planCost(studentPlan(config as StudentConfig));
  return { int8Bytes, macs };
}

/** Of an encoder without weights of its own (an ONNX model) it is not known. */
function costOf(encoder: string): SceneCost | undefined {
  try {
    return studentCost(loadWeights({ encoder }).architecture);
  } catch (error) {
    if (error instanceof InputError) return undefined;
    throw error;
  }
}

type Candidate = Omit<SceneRow, 'figures' | 'clipMilliseconds'> & { spec: string; names: readonly string[] };

/** @throws InputError for an encoder that is no classifier of single labels; asked of all before the work */
async function candidateOf(spec: string): Promise<Candidate> {
  const model = await loadEncoder({ encoder: spec });
  const { id, fingerprint, labels } = model;
  await model.release();
  if (!labels || labels.several) {
    throw new InputError(
      `bench scenes: expected a classifier of one label each, got ${spec}; make one with thrum finetune classify`,
    );
  }
  const [parameters, cost] = [await countParameters({ encoder: spec }), costOf(spec)];
  return {
    spec,
    encoder: id,
    fingerprint,
    names: labels.names,
    ...(parameters !== undefined && { parameters }),
    ...(cost && { cost }),
  };
}

async function rowOf(candidate: Candidate, items: readonly TestItem[], workers?: number): Promise<SceneRow> {
  const { spec, names, ...row } = candidate;
  const devices = new Map(items.map(({ path, device }) => [path, device]));
  const started = performance.now();
  const asked = await askClassifier(spec, items, names, workers);
  const milliseconds = performance.now() - started;
  const predictions = asked.map(({ file, truth, logits }) => ({ truth, logits, device: devices.get(file) ?? '' }));
  return {
    ...row,
    figures: sceneFigures(predictions, names),
    clipMilliseconds: milliseconds / Math.max(1, asked.length),
  };
}

const commandOf = ({ encoders }: ScenesBenchOptions): string => `thrum bench scenes --data DIR --encoder ${encoders}`;

/** Rows of one name (`encoder.safetensors` in several folders) are told apart by what was asked for. */
function withOwnNames(candidates: readonly Candidate[]): Candidate[] {
  const count = (id: string) => candidates.filter(({ encoder }) => encoder === id).length;
  return candidates.map((one) => (count(one.encoder) > 1 ? { ...one, encoder: one.spec } : one));
}

/**
 * Asks classifiers about the test clips of the one set of scenes in a folder. Returns the exit status: 1 where a clip could
 * not be asked about.
 * @throws InputError if there is no such set, an encoder is no classifier, or nothing can be written to `out`
 */
export async function runScenesBench(options: ScenesBenchOptions): Promise<number> {
  const { data, encoders, out, json, workers } = options;
  if (out !== undefined) checkOutputs(out, outputs);
  const { dataSet, scan, folder, items } = findScenes(data);
  const candidates: Candidate[] = [];
  for (const spec of encoders.split(',')) candidates.push(await candidateOf(spec.trim()));
  const rows: SceneRow[] = [];
  for (const candidate of withOwnNames(candidates)) rows.push(await rowOf(candidate, items, workers));
  const result: SceneResult = {
    dataSet: dataSet.id,
    generated: isGenerated(folder, scan.samples),
    rows,
    provenance: { version: version(), command: commandOf(options) },
  };
  print(json ? scenesJson(result).trimEnd() : formatScenes(result));
  if (out !== undefined) writeOutputs(out, outputs, result);
  return rows.some(({ figures }) => figures.recordings < items.length) ? 1 : 0;
}
