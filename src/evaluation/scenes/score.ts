// How well a classifier knows scenes heard by several devices: by class, by device, and what unseen devices cost.
import { mean } from '../../signal/average.ts';
import { InputError } from '../../signal/errors.ts';
import { sceneDevices, seenDevices } from '../datasets/tau-layout.ts';
import {
  type ClassificationFigures,
  type ClassResult,
  classificationFigures,
  groupedAccuracy,
  relativeDecay,
} from '../metrics/classification.ts';
import { arithmeticMean } from '../metrics/means.ts';
import { type Measured, measured, undefinedBecause } from '../metrics/measured.ts';

/** What a classifier said of one clip. */
export type ScenePrediction = {
  truth: string;
  /** `a`, `s1`, … */
  device: string;
  /** One for each label of the classifier, in the order of its names. */
  logits: ArrayLike<number>;
};

export type DeviceAccuracy = { device: string; seen: boolean; accuracy: number; recordings: number };

export type SceneFigures = {
  recordings: number;
  /** Mean of the accuracies of all classes: the figure of DCASE Task 1. */
  macroAccuracy: Measured;
  accuracy: Measured;
  /** Mean of -ln p(truth) over all clips. */
  logLoss: Measured;
  /** In the order a, b, c, s1 …, those present. Every clip of a device counts the same. */
  devices: DeviceAccuracy[];
  /** Mean over the devices that training may know (a, b, c, s1 to s3), as far as present. */
  seen: Measured;
  /** The same of the others. */
  unseen: Measured;
  /** (seen - unseen) / seen. */
  decay: Measured;
  /** `recall` is the accuracy of a class. */
  classes: ClassResult[];
  confusion: ClassificationFigures['confusion'];
};

const isSeen = (device: string): boolean => seenDevices.some((known) => known === device);

const order: readonly string[] = sceneDevices;

/** Place in the table; other names than those of TAU come last. */
const rankOf = (device: string): number => (order.includes(device) ? order.indexOf(device) : order.length);

function bestOf(logits: ArrayLike<number>): number {
  let best = 0;
  for (let c = 1; c < logits.length; c++) if (logits[c] > logits[best]) best = c;
  return best;
}

/** -ln of the softmax of one logit. */
function surprise(logits: ArrayLike<number>, at: number): number {
  const all = Array.from(logits);
  const largest = Math.max(...all);
  return largest - logits[at] + Math.log(all.reduce((sum, value) => sum + Math.exp(value - largest), 0));
}

function logLossOf(predictions: readonly ScenePrediction[], names: readonly string[]): Measured {
  if (predictions.length === 0) return undefinedBecause('no recordings');
  const unknown = predictions.find(({ truth }) => !names.includes(truth));
  if (unknown) return undefinedBecause(`the classifier has no label ${unknown.truth}`);
  return measured(mean(predictions.map(({ truth, logits }) => surprise(logits, names.indexOf(truth)))));
}

/**
 * Figures of the predictions on a test split. A device of another name than TAU's counts as unseen.
 * @param names labels of the classifier, in the order of its logits; a class that it does not have counts as wrong
 * @throws InputError for logits that are not one finite number for each name, and where no class is among the names
 */
export function sceneFigures(predictions: readonly ScenePrediction[], names: readonly string[]): SceneFigures {
  for (const { logits } of predictions) {
    const all = Array.from(logits);
    if (all.length !== names.length || !all.every(Number.isFinite)) {
      throw new InputError(
        `sceneFigures: expected a finite logit for each of ${names.length} labels, got ${all.length} (${all.slice(0, 3).join(', ')})`,
      );
    }
  }
  const truth = predictions.map((one) => one.truth);
  if (truth.length > 0 && !truth.some((label) => names.includes(label))) {
    throw new InputError(
      `sceneFigures: expected a classifier of ${[...new Set(truth)].slice(0, 3).join(', ')}, got one of ${names.slice(0, 3).join(', ')}; train one on these scenes`,
    );
  }
  const predicted = predictions.map(({ logits }) => names[bestOf(logits)]);
  const figures = classificationFigures(truth, predicted);
  const devices = groupedAccuracy(
    truth,
    predicted,
    predictions.map(({ device }) => device),
  )
    .map(({ group: device, accuracy, recordings }) => ({ device, seen: isSeen(device), accuracy, recordings }))
    .sort((a, b) => rankOf(a.device) - rankOf(b.device));
  const [seen, unseen] = [true, false].map((side) =>
    devices.filter((one) => one.seen === side).map(({ accuracy }) => accuracy),
  );
  return {
    recordings: predictions.length,
    macroAccuracy: figures.macroAccuracy,
    accuracy: figures.accuracy,
    logLoss: logLossOf(predictions, names),
    devices,
    seen: seen.length > 0 ? arithmeticMean(seen) : undefinedBecause('no seen devices'),
    unseen: unseen.length > 0 ? arithmeticMean(unseen) : undefinedBecause('no unseen devices'),
    decay: relativeDecay(seen, unseen),
    classes: figures.perClass.filter(({ support }) => support > 0),
    confusion: figures.confusion,
  };
}
