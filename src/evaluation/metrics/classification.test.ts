import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { maxDifference, readGoldenJson } from '../../../tests/golden.ts';
import { classificationFigures, confusionMatrix, groupedAccuracy, relativeDecay } from './classification.ts';

const value = (found: { value: number | null }): number => found.value ?? Number.NaN;

describe('acoustic scenes', () => {
  const golden = readGoldenJson<{
    labels: string[];
    devices: string[];
    groups: Record<string, string>;
    y_true: number[];
    y_pred: number[];
    device: number[];
    acc: number;
    macro_avg_acc: number;
    acc_per_label: Record<string, number>;
    acc_per_device: Record<string, number>;
    acc_group_micro: Record<string, number>;
    confusion: number[][];
    f1_macro: number;
    decay: { relative: number };
  }>('metrics/asc.json');
  const truth = golden.y_true.map((i) => golden.labels[i]);
  const predicted = golden.y_pred.map((i) => golden.labels[i]);
  const devices = golden.device.map((i) => golden.devices[i]);

  it('are counted and averaged as the reference does', () => {
    const figures = classificationFigures(truth, predicted);
    expect(figures.confusion).toEqual({ labels: golden.labels, counts: golden.confusion });
    expect(Math.abs(value(figures.accuracy) - golden.acc)).toBeLessThan(1e-12);
    expect(Math.abs(value(figures.macroAccuracy) - golden.macro_avg_acc)).toBeLessThan(1e-12);
    expect(Math.abs(value(figures.macroRecall) - golden.macro_avg_acc)).toBeLessThan(1e-12);
    expect(Math.abs(value(figures.macroF1) - golden.f1_macro)).toBeLessThan(1e-12);
    const recalls = figures.perClass.map(({ recall }) => value(recall));
    const wanted = figures.perClass.map(({ label }) => golden.acc_per_label[label]);
    expect(maxDifference(recalls, wanted)).toBeLessThan(1e-12);
  });

  it('per device, and per group of devices', () => {
    const byDevice = groupedAccuracy(truth, predicted, devices);
    expect(byDevice.map(({ group }) => group)).toEqual(golden.devices);
    for (const { group, accuracy } of byDevice) {
      expect(Math.abs(accuracy - golden.acc_per_device[group])).toBeLessThan(1e-12);
    }
    const wide = groupedAccuracy(
      truth,
      predicted,
      devices.map((device) => golden.groups[device]),
    );
    expect(wide.map(({ group }) => group)).toEqual(['real', 'seen', 'unseen']);
    for (const { group, accuracy } of wide) {
      expect(Math.abs(accuracy - golden.acc_group_micro[group])).toBeLessThan(1e-12);
    }
    const isUnseen = ({ group }: { group: string }): boolean => golden.groups[group] === 'unseen';
    const decay = relativeDecay(
      byDevice.filter((device) => !isUnseen(device)).map(({ accuracy }) => accuracy),
      byDevice.filter(isUnseen).map(({ accuracy }) => accuracy),
    );
    expect(Math.abs(value(decay) - golden.decay.relative)).toBeLessThan(1e-12);
  });

  const published = readGoldenJson<{
    acc_percent: Record<string, number[]>;
    relative_decay_percent: Record<string, number>;
  }>('metrics/asc_published_decay.json');

  it.each(Object.keys(published.acc_percent))('decay of the published baseline at %s %% of the data', (split) => {
    const accuracies = published.acc_percent[split];
    const decay = relativeDecay(accuracies.slice(0, 6), accuracies.slice(6));
    expect(Math.abs(100 * value(decay) - published.relative_decay_percent[split])).toBeLessThan(1e-10);
  });
});

describe('classes without predictions or recordings', () => {
  // By hand. Counts: a -> a a b, b -> b, c -> a; d is only predicted, once, for b.
  const figures = classificationFigures(['a', 'a', 'a', 'b', 'c', 'b'], ['a', 'a', 'b', 'b', 'a', 'd']);

  it('are undefined, with a reason', () => {
    expect(figures.perClass[2]).toEqual({
      label: 'c',
      precision: { value: null, reason: 'c was never predicted' },
      recall: { value: 0 },
      f1: { value: 0 },
      support: 1,
    });
    expect(figures.perClass[3]).toEqual({
      label: 'd',
      precision: { value: 0 },
      recall: { value: null, reason: 'no recordings of d' },
      f1: { value: 0 },
      support: 0,
    });
  });

  it('count as 0 in averages', () => {
    const [precision, recall, f1] = [
      [2 / 3, 1 / 2],
      [2 / 3, 1 / 2],
      [2 / 3, 1 / 2],
    ];
    expect(value(figures.accuracy)).toBeCloseTo(3 / 6, 12);
    expect(value(figures.macroPrecision)).toBeCloseTo((precision[0] + precision[1]) / 4, 12);
    expect(value(figures.macroRecall)).toBeCloseTo((recall[0] + recall[1]) / 4, 12);
    expect(value(figures.macroAccuracy)).toBeCloseTo((recall[0] + recall[1]) / 3, 12);
    expect(value(figures.macroF1)).toBeCloseTo((f1[0] + f1[1]) / 4, 12);
    expect(value(figures.weightedPrecision)).toBeCloseTo((3 * precision[0] + 2 * precision[1]) / 6, 12);
    expect(value(figures.weightedF1)).toBeCloseTo((3 * f1[0] + 2 * f1[1]) / 6, 12);
  });
});

describe('edges', () => {
  it('no recordings', () => {
    const figures = classificationFigures([], []);
    const none = { value: null, reason: 'no recordings' };
    expect([figures.accuracy, figures.macroAccuracy, figures.macroF1, figures.weightedF1]).toEqual(Array(4).fill(none));
    expect(figures.perClass).toEqual([]);
    expect(groupedAccuracy([], [], [])).toEqual([]);
    expect(relativeDecay([], [1])).toEqual({ value: null, reason: 'no seen conditions' });
    expect(relativeDecay([1], [])).toEqual({ value: null, reason: 'no unseen conditions' });
    expect(relativeDecay([0], [0.5])).toEqual({ value: null, reason: 'accuracy is 0 under seen conditions' });
  });

  it('labels that are names of object members', () => {
    const { labels, counts } = confusionMatrix(['__proto__', 'constructor'], ['constructor', 'constructor']);
    expect(labels).toEqual(['__proto__', 'constructor']);
    expect(counts).toEqual([
      [0, 1],
      [0, 1],
    ]);
  });

  it('lengths that differ', () => {
    expect(() => classificationFigures(['a'], [])).toThrow('classificationFigures: expected one prediction per true');
    expect(() => confusionMatrix(['a'], [])).toThrow('got 0 predictions and 1 labels');
    expect(() => groupedAccuracy(['a'], ['a'], [])).toThrow('groupedAccuracy: expected one group per recording, got 0');
  });
});

describe('properties', () => {
  const label = fc.constantFrom('ball', 'inner', 'outer', 'normal');
  const rows = fc.array(fc.tuple(label, label, fc.constantFrom('x', 'y')), { minLength: 1, maxLength: 60 });

  it('weighted recall is accuracy, and groups add up to it', () => {
    fc.assert(
      fc.property(rows, (all) => {
        const [truth, predicted, groups] = [0, 1, 2].map((i) => all.map((r) => r[i]));
        const figures = classificationFigures(truth, predicted);
        expect(Math.abs(value(figures.weightedRecall) - value(figures.accuracy))).toBeLessThan(1e-12);
        const hits = groupedAccuracy(truth, predicted, groups).reduce((sum, g) => sum + g.accuracy * g.recordings, 0);
        expect(Math.abs(hits / all.length - value(figures.accuracy))).toBeLessThan(1e-12);
      }),
    );
  });

  it('F1 is the harmonic mean of precision and recall', () => {
    fc.assert(
      fc.property(rows, (all) => {
        const { perClass } = classificationFigures(
          all.map((r) => r[0]),
          all.map((r) => r[1]),
        );
        for (const { precision, recall, f1 } of perClass) {
          const [p, r] = [precision.value ?? 0, recall.value ?? 0];
          expect(Math.abs(value(f1) - (p + r > 0 ? (2 * p * r) / (p + r) : 0))).toBeLessThan(1e-12);
        }
      }),
    );
  });
});
