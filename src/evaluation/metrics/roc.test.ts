import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { floats, maxDifference, readGolden, readGoldenJson } from '../../../tests/golden.ts';
import { InputError } from '../../signal/errors.ts';
import { partialAuc, rocAuc, rocCurve } from './roc.ts';

type Case = {
  name: string;
  y: number[];
  s: number[];
  auc?: number;
  pauc?: Record<string, number>;
  roc?: { fpr: number[]; tpr: number[]; thr: number[] };
};

const cases = readGoldenJson<Case[]>('metrics/roc.json');
const value = (found: { value: number | null }): number => found.value ?? Number.NaN;

describe('scikit-learn', () => {
  const defined = cases.filter((c) => c.auc !== undefined);
  const singleClass = cases.filter((c) => c.auc === undefined);

  it('has cases of both kinds', () => {
    expect(defined.length).toBeGreaterThan(30);
    expect(singleClass.length).toBeGreaterThan(0);
  });

  it.each(defined.map((c) => [c.name, c] as const))('%s', (_, { y, s, auc, pauc, roc }) => {
    expect(Math.abs(value(rocAuc(y, s)) - auc!)).toBeLessThan(1e-12);
    const entries = Object.entries(pauc!);
    const found = entries.map(([maxFpr]) => value(partialAuc(y, s, Number(maxFpr))));
    expect(
      maxDifference(
        found,
        entries.map(([, wanted]) => wanted),
      ),
    ).toBeLessThan(1e-12);
    if (!roc) return;
    const curve = rocCurve(y, s);
    expect(maxDifference(curve.fpr, roc.fpr)).toBeLessThan(1e-12);
    expect(maxDifference(curve.tpr, roc.tpr)).toBeLessThan(1e-12);
    expect(curve.thresholds[0]).toBe(Number.POSITIVE_INFINITY);
    expect(maxDifference(curve.thresholds.slice(1), roc.thr.slice(1))).toBe(0);
  });

  it.each(singleClass.map((c) => [c.name, c] as const))('%s: undefined, with a reason', (_, { y, s }) => {
    const wanted = { value: null, reason: `no ${y[0] === 1 ? 'normal' : 'anomalous'} recordings among ${y.length}` };
    expect(rocAuc(y, s)).toEqual(wanted);
    expect(partialAuc(y, s)).toEqual(wanted);
    expect(() => rocCurve(y, s)).toThrow('rocCurve: expected normal and anomalous recordings, got no');
  });
});

describe('scores of a kNN detector (mean cosine distance to 2 neighbours)', () => {
  const golden = readGolden('asd_heads/data.safetensors');
  it('scikit-learn', () => {
    const labels = Array.from(golden.get('auc.labels')?.data as BigInt64Array, Number);
    const scores = floats(golden, 'knn.cosine.k2.mean_dist');
    const found = [value(rocAuc(labels, scores)), value(partialAuc(labels, scores, 0.1))];
    expect(maxDifference(found, floats(golden, 'auc.auc_pauc01'))).toBeLessThan(1e-12);
  });
});

describe('figures of the RMIS and SIREN evaluations', () => {
  const rmis = readGoldenJson<{ auc: { y: number[]; s: number[]; auc: number; pauc01: number }[] }>(
    'fisher/rmis_protocol.json',
  ).auc.map((c) => ({ ...c, pauc: c.pauc01 }));
  const siren = readGoldenJson<{ auc_cases: { y: number[]; s: number[]; auc: number; pauc: number }[] }>(
    'echo/siren_golden.json',
  ).auc_cases;

  it.each([...rmis, ...siren])('AUC $auc', ({ y, s, auc, pauc }) => {
    expect(Math.abs(value(rocAuc(y, s)) - auc)).toBeLessThan(1e-12);
    expect(Math.abs(value(partialAuc(y, s)) - pauc)).toBeLessThan(1e-12);
  });
});

describe('bad input', () => {
  it('names the function, the value and the place', () => {
    expect(() => rocAuc([0, 1], [1])).toThrow('rocAuc: expected one label per score, got 2 labels and 1 scores');
    expect(() => rocAuc([0, 1], [1, Number.NaN])).toThrow('rocAuc: expected finite scores, got NaN at index 1');
    expect(() => rocCurve([0, 2], [1, 2])).toThrow('expected labels 0 (normal) or 1 (anomalous), got 2 at index 1');
    expect(() => partialAuc([0, 1], [1, Number.POSITIVE_INFINITY])).toThrow(InputError);
    for (const maxFpr of [0, -0.1, 1.1, Number.NaN]) {
      expect(() => partialAuc([0, 1], [1, 2], maxFpr)).toThrow(`above 0 and at most 1, got ${maxFpr}`);
    }
  });

  it('is undefined for no recordings', () => {
    expect(rocAuc([], [])).toEqual({ value: null, reason: 'no recordings' });
    expect(partialAuc([], [])).toEqual({ value: null, reason: 'no recordings' });
  });
});

/** Small integers as scores: many ties. Both classes are there. */
const labelled = fc
  .array(fc.record({ anomalous: fc.boolean(), score: fc.integer({ min: 0, max: 8 }) }), { minLength: 2, maxLength: 40 })
  .map((rows) => ({
    anomalous: [true, false, ...rows.map((r) => r.anomalous)],
    scores: [4, 3, ...rows.map((r) => r.score)],
  }));

/** By definition: pairs won, ties counted half. */
function pairwise(anomalous: boolean[], scores: number[]): number {
  let [won, pairs] = [0, 0];
  for (const [i, high] of scores.entries()) {
    for (const [j, low] of scores.entries()) {
      if (!anomalous[i] || anomalous[j]) continue;
      won += high > low ? 1 : high === low ? 0.5 : 0;
      pairs++;
    }
  }
  return won / pairs;
}

describe('properties', () => {
  it('AUC is the share of pairs in the right order', () => {
    fc.assert(
      fc.property(labelled, ({ anomalous, scores }) => {
        expect(Math.abs(value(rocAuc(anomalous, scores)) - pairwise(anomalous, scores))).toBeLessThan(1e-12);
      }),
    );
  });

  it('mirrors, and depends on the order of scores alone', () => {
    fc.assert(
      fc.property(labelled, ({ anomalous, scores }) => {
        const auc = value(rocAuc(anomalous, scores));
        const mirrored = scores.map((s) => -s);
        expect(Math.abs(value(rocAuc(anomalous, mirrored)) - (1 - auc))).toBeLessThan(1e-12);
        const stretched = scores.map((s) => Math.exp(s) - 3);
        expect(rocAuc(anomalous, stretched)).toEqual({ value: auc });
        expect(partialAuc(anomalous, stretched)).toEqual(partialAuc(anomalous, scores));
      }),
    );
  });

  it('the area under the thinned curve is the AUC', () => {
    fc.assert(
      fc.property(labelled, ({ anomalous, scores }) => {
        const { fpr, tpr, thresholds } = rocCurve(anomalous, scores);
        let area = 0;
        for (let i = 1; i < fpr.length; i++) {
          area += ((fpr[i] - fpr[i - 1]) * (tpr[i] + tpr[i - 1])) / 2;
          expect(thresholds[i]).toBeLessThan(thresholds[i - 1]);
        }
        expect(Math.abs(area - value(rocAuc(anomalous, scores)))).toBeLessThan(1e-12);
        expect([fpr.at(-1), tpr.at(-1)]).toEqual([1, 1]);
      }),
    );
  });

  it('scores that say nothing are at chance, and perfect ones at 1, at every limit', () => {
    for (const maxFpr of [0.01, 0.1, 0.5, 1]) {
      expect(value(partialAuc([1, 0, 1, 0, 0], [2, 2, 2, 2, 2], maxFpr))).toBeCloseTo(0.5, 12);
      expect(value(partialAuc([1, 0, 1, 0, 0], [5, 1, 4, 2, 3], maxFpr))).toBeCloseTo(1, 12);
    }
  });
});
