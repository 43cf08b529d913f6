// Small DCASE Task 2 data sets in the official layout, ground truth included, made by the machine simulator.
import { InputError } from '../../signal/errors.ts';
import { writeWav } from '../../signal/readers/wav-write.ts';
import { type MachineName, machines } from '../../signal/simulate/index.ts';
import { createRandom } from '../../signal/simulate/random.ts';
import { baseName } from '../files/folder.ts';
import { groupBy } from '../group-by.ts';
import { conditionOf, heardPoint } from './dcase-conditions.ts';
import type { DcaseEdition } from './dcase-editions.ts';
import { type DcaseAmount, type PlannedClip, planDcase } from './dcase-plan.ts';
import { recordClass, textFile, withinFullScale } from './simulated.ts';
import type { GeneratedFile, GenerateOptions } from './types.ts';

const SAMPLE_RATE = 16_000;

/** The simulated machine that comes nearest in kind. */
const STAND_INS: Readonly<Record<string, MachineName>> = {
  fan: 'fan',
  pump: 'pump',
  slider: 'slide-rail',
  valve: 'valve',
  gearbox: 'gearbox',
  bearing: 'bearing',
  ToyCar: 'gearbox',
  ToyTrain: 'bearing',
  ToyConveyor: 'slide-rail',
  ToyDrone: 'fan',
  ToyNscale: 'gearbox',
  ToyTank: 'gearbox',
  Vacuum: 'fan',
  bandsaw: 'bearing',
  grinder: 'bearing',
  shaker: 'valve',
  '3DPrinter': 'slide-rail',
  AirCompressor: 'pump',
  BrushlessMotor: 'bearing',
  HairDryer: 'fan',
  HoveringDrone: 'fan',
  RoboticArm: 'gearbox',
  Scanner: 'slide-rail',
  ToothBrush: 'gearbox',
  ToyCircuit: 'valve',
  AutoTrash: 'slide-rail',
  BandSealer: 'slide-rail',
  CoffeeGrinder: 'bearing',
  HomeCamera: 'gearbox',
  Polisher: 'bearing',
  ScrewFeeder: 'valve',
  ToyPet: 'gearbox',
  ToyRCCar: 'gearbox',
};

type Take = Pick<PlannedClip, 'path' | 'machine' | 'section' | 'domain' | 'anomalous' | 'number' | 'condition'>;

/** From what can just be heard in most machines to what cannot be missed. */
const SEVERITY = [0.3, 1] as const;

/** Faults in turn; every round starts with another one, so that no fault keeps to one operating condition. */
const faultOf = (faults: readonly string[], number: number): string =>
  faults[(number + Math.floor(number / faults.length)) % faults.length];

/** One clip: under its operating condition, and where it is anomalous with a fault of a severity of its own. */
function record(edition: DcaseEdition, clip: Take, seed: number, seconds: number): GeneratedFile {
  const machine = STAND_INS[clip.machine] ?? 'fan';
  const { faults, speedSpread } = machines[machine];
  const take = createRandom(`${seed}/${clip.path}`);
  const point =
    clip.condition === undefined
      ? {}
      : heardPoint(clip.machine, clip.condition, speedSpread, take.fork('operating point'));
  const recording = recordClass(
    {
      machine,
      fault: clip.anomalous ? faultOf(faults, clip.number) : 'normal',
      severity: take.fork('severity').uniform(...SEVERITY),
      ...point,
    },
    {
      seed: `${seed}/${clip.path}`,
      machineSeed: `${seed}/${edition.year}/${clip.machine}/${clip.section}`,
      seconds,
      sampleRate: SAMPLE_RATE,
      domain: clip.domain,
    },
  );
  return { path: clip.path, bytes: writeWav(withinFullScale(recording)) };
}

/** Machine by machine, each under its name; a column of labels in 2020 only. */
function listFile({ year }: DcaseEdition, hidden: readonly PlannedClip[]): GeneratedFile {
  const lines = [...groupBy(hidden, ({ machine }) => machine)].flatMap(([machine, clips]) => [
    machine,
    ...clips
      .map(({ path, longName, anomalous }) => {
        const label = year === 2020 ? `,${anomalous ? 1 : 0}` : '';
        return `${baseName(path)},${longName}.wav${label}`;
      })
      .sort(),
  ]);
  return textFile(year === 2020 ? 'eval_data_list.csv' : `eval_data_list_${year}.csv`, lines);
}

/** The files of the official evaluator: labels, and from 2022 on domains, one file per section (2021: and domain). */
function* truthFiles({ year }: DcaseEdition, hidden: readonly PlannedClip[]): Iterable<GeneratedFile> {
  const nameOf = ({ machine, section, domain }: PlannedClip): string =>
    `ground_truth_${machine}_section_${section}${year === 2021 ? `_${domain}` : ''}_test.csv`;
  for (const [name, clips] of groupBy(hidden, nameOf)) {
    const rows = (tell: (clip: PlannedClip) => boolean) =>
      clips.map((clip) => `${baseName(clip.path)},${tell(clip) ? 1 : 0}`).sort();
    yield textFile(
      `ground_truth_data/${name}`,
      rows(({ anomalous }) => anomalous),
    );
    if (year > 2021) {
      yield textFile(
        `ground_truth_domain/${name}`,
        rows(({ domain }) => domain === 'target'),
      );
    }
  }
}

/** 2025: one recording of every machine, made apart from the others, in its folder of supplemental data. */
function* supplementalFiles(edition: DcaseEdition, clips: readonly PlannedClip[], seed: number, seconds: number) {
  const seen = new Set<string>();
  for (const clip of clips) {
    const folder = clip.path.split('/').slice(0, 2).join('/');
    if (seen.has(folder)) continue;
    seen.add(folder);
    const path = `${folder}/supplemental/section_${clip.section}_machine_0001.wav`;
    const condition = conditionOf(clip.machine, 'source', 0);
    yield record(edition, { ...clip, path, domain: 'source', anomalous: false, condition }, seed, seconds);
  }
}

function checkAmount({ year }: DcaseEdition, { perClass, train }: DcaseAmount): void {
  if (!Number.isInteger(perClass) || perClass < 1) {
    throw new InputError(`generate: expected perClass of 1 or more, got ${perClass} (dcase${year})`);
  }
  if (!train) return;
  const { source, target } = train;
  if (!Number.isInteger(source) || source < 1 || !Number.isInteger(target) || target < 0) {
    throw new InputError(
      `generate: expected at least one training clip of the source domain and a whole number of the target domain, got ${source} and ${target} (dcase${year})`,
    );
  }
  if (year === 2020 && target > 0) {
    throw new InputError(
      `generate: expected no training clips of the target domain, got ${target}; dcase2020 has no domains`,
    );
  }
}

/**
 * All machines and sections of a year, as the organisers' baselines lay them out (`dev_data`, `eval_data`), and the
 * ground truth of the evaluation set. Every operating condition of a machine has a speed and a load of its own, named or
 * not; anomalies are of severities from 0.3 to 1.
 * - `perClass`: normal (and as many anomalous) test clips per section and domain, 3 by default.
 * - `train`: training clips per section; twice `perClass` of the source and two thirds of it of the target by default.
 * - `set`: one set of machines alone.
 * - `seconds`: 1 by default.
 * @throws InputError for numbers of clips that are not whole or too small, target clips in 2020, and for a length that
 * cannot be simulated.
 */
export function* generateDcase(edition: DcaseEdition, options: GenerateOptions = {}): Iterable<GeneratedFile> {
  const { seed = 0, perClass = 3, seconds = 1, train, set } = options;
  checkAmount(edition, { perClass, train });
  const clips = planDcase(edition, { perClass, train, set }, seed);
  for (const clip of clips) yield record(edition, clip, seed, seconds);
  if (edition.year === 2025) yield* supplementalFiles(edition, clips, seed, seconds);
  const hidden = clips.filter(({ set, split }) => set === 'evaluation' && split === 'test');
  if (hidden.length === 0) return;
  yield listFile(edition, hidden);
  if (edition.year > 2020) yield* truthFiles(edition, hidden);
}
