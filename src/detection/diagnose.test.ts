import { describe, expect, it } from 'vitest';
import { maxDifference } from '../../tests/golden.ts';
import { InputError } from '../signal/errors.ts';
import { createRandom } from '../signal/simulate/random.ts';
import { type BankSegment, fitDetector } from './detector.ts';
import { createDiagnoser, UNKNOWN } from './diagnose.ts';
import { distance } from './knn.ts';
import { labelledSpace } from './labelled-space.ts';
import { fromRows, row } from './matrix.ts';
import { createScorer } from './score.ts';
import { gaussianVector, syntheticFiles, syntheticFit } from './synthetic.test-util.ts';

/** Recordings of one kind: a direction of their own away from a common centre, and a little noise. */
function kindOf(label: string, direction: number, files = 6, deviation = 0.2): BankSegment[] {
  return syntheticFiles(label, files, { label, deviation }).map(({ entry, vector }) => ({
    entry,
    vector: vector.map((value, d) => value + 20 + (d === direction ? 4 : 0)),
  }));
}

const query = (seed: string, direction: number, size = 4): Float32Array =>
  gaussianVector(createRandom(seed), 16, 0.2, 20).map((value, d) => (d === direction ? value + size : value));

const kinds = [...kindOf('normal', 0), ...kindOf('inner race', 5), ...kindOf('outer race', 9)];
const fitted = fitDetector(syntheticFit(kinds));

/** The definition: weights 1 / distance^2 of the k nearest labelled entries, summed over segments. */
function naiveVotes(bank: readonly BankSegment[], asked: readonly Float32Array[], k: number): Map<string, number> {
  const mean = bank[0].vector.map((_, d) => bank.reduce((sum, { vector }) => sum + vector[d], 0) / bank.length);
  const centred = (vector: Float32Array) => vector.map((value, d) => value - mean[d]);
  const weights = new Map<string, number>();
  for (const vector of asked) {
    const sorted = bank
      .map((one) => ({ label: one.entry.label ?? '', d: distance(centred(vector), centred(one.vector), 'cosine') }))
      .sort((a, b) => a.d - b.d)
      .slice(0, k);
    for (const { label, d } of sorted) weights.set(label, (weights.get(label) ?? 0) + 1 / d ** 2);
  }
  const total = [...weights.values()].reduce((a, b) => a + b, 0);
  return new Map([...weights].map(([label, weight]) => [label, weight / total]));
}

describe('labelledSpace', () => {
  it('is centred on the labelled bank', () => {
    const { bank, transform } = labelledSpace(fromRows([Float32Array.of(1, 5), Float32Array.of(3, -1)]));
    expect(bank.values).toEqual(Float32Array.of(-1, 3, 1, -3));
    expect(transform).toEqual({ kind: 'centre', mean: Float32Array.of(2, 2) });
  });
});

describe('createDiagnoser', () => {
  it('names the kind that a recording is nearest to', async () => {
    const diagnose = createDiagnoser(await fitted);
    for (const [label, direction] of [
      ['normal', 0],
      ['inner race', 5],
      ['outer race', 9],
    ] as const) {
      for (let i = 0; i < 5; i++) {
        const found = await diagnose([query(`${label} ${i}`, direction)]);
        expect([found.label, found.votes[0].label, found.nearest.label]).toEqual([label, label, label]);
        expect(found.confidence).toBe(found.votes[0].weight);
        expect(found.pValue).toBeGreaterThan(0.001);
      }
    }
  });

  it.each([1, 5, 18, 50])('lets the %i nearest vote by the inverse square of their distance', async (k) => {
    const diagnose = createDiagnoser(await fitted);
    const asked = [query('voter', 5, 2), query('other voter', 9, 2), query('third', 5, 1)];
    const wanted = naiveVotes(kinds, asked, k);
    const { votes, confidence } = await diagnose(asked, { k });
    expect(votes.map(({ label }) => label).sort()).toEqual([...wanted.keys()].sort());
    const weights = votes.map(({ weight }) => weight);
    expect(
      maxDifference(
        weights,
        votes.map(({ label }) => wanted.get(label) ?? 0),
      ),
    ).toBeLessThan(1e-4);
    expect(weights).toEqual([...weights].sort((a, b) => b - a));
    expect(weights.reduce((a, b) => a + b, 0)).toBeCloseTo(1, 12);
    expect(confidence).toBe(weights[0]);
  });

  it('calls unknown what is far from everything labelled', async () => {
    const diagnose = createDiagnoser(await fitted);
    const found = await diagnose([query('far', 13, 40)]);
    expect(found.label).toBe(UNKNOWN);
    expect(found.pValue).toBeLessThan(1e-3);
    expect(found.votes[0].label).not.toBe(UNKNOWN);
    expect((await diagnose([query('far', 13, 40)], { unknownRate: 0 })).label).toBe(found.votes[0].label);
    expect((await diagnose([query('near', 5)], { unknownRate: 1 })).label).toBe(UNKNOWN);
  });

  it('leaves a recording of the bank out of its own diagnosis', async () => {
    const diagnose = createDiagnoser(await fitted);
    for (const { entry, vector } of kinds) {
      const { nearest, votes, label } = await diagnose([vector]);
      expect(nearest.file).not.toBe(entry.file);
      expect(label).toBe(entry.label);
      const others = kinds.filter((one) => one.entry !== entry);
      // Centred on all recordings, voted by the others.
      const bank = labelledSpace(fromRows(kinds.map((one) => one.vector))).bank;
      const own = kinds.findIndex((one) => one.entry === entry);
      const nearestIndex = others
        .map((one) => kinds.indexOf(one))
        .reduce((a, b) =>
          distance(row(bank, own), row(bank, b), 'cosine') < distance(row(bank, own), row(bank, a), 'cosine') ? b : a,
        );
      expect(nearest).toBe(kinds[nearestIndex].entry);
      expect(votes.reduce((sum, { weight }) => sum + weight, 0)).toBeCloseTo(1, 12);
    }
  });

  it('works with labelled faults alone, and beside normal recordings without labels', async () => {
    const faults = kinds.slice(6);
    const labelledOnly = await fitDetector(syntheticFit(faults));
    expect(labelledOnly.calibration).toBeUndefined();
    expect((await createDiagnoser(labelledOnly)([query('alone', 9)])).label).toBe('outer race');
    const unlabelled = kinds
      .slice(0, 6)
      .map(({ entry, vector }) => ({ vector, entry: { ...entry, label: undefined } }));
    const both = await fitDetector(syntheticFit([...unlabelled, ...faults]));
    expect((await createDiagnoser(both)([query('both', 5)])).label).toBe('inner race');
    const verdict = await createScorer(both).score([query('both', 5)]);
    expect(verdict.anomalous).toBe(true);
    expect(verdict.nearest.label).toBeUndefined();
    expect((await createScorer(both).score([query('healthy', 0)])).anomalous).toBe(false);
  });
});

describe('what near means among labelled recordings', () => {
  it('is the distance to the nearest of another file, of kinds known from several', async () => {
    const files = [...kindOf('a', 0, 3), ...kindOf('b', 5, 2), ...kindOf('c', 9, 1)];
    const detector = await fitDetector(syntheticFit(files));
    const { bank } = labelledSpace(fromRows(files.map(({ vector }) => vector)));
    const wanted = [0, 1, 2, 3, 4]
      .map((i) =>
        Math.min(...files.flatMap((_, j) => (j === i ? [] : [distance(row(bank, i), row(bank, j), 'cosine')]))),
      )
      .sort((a, b) => a - b);
    expect([...(detector.labelledCalibration?.scores ?? [])]).toEqual(wanted);
  });

  it('leaves segments out one by one where every kind comes from one file', async () => {
    const pieces = ['a', 'b'].flatMap((label, i) =>
      kindOf(label, 5 * i, 4).map(({ vector, entry }, s) => ({
        vector,
        entry: { ...entry, file: label, startSeconds: s },
      })),
    );
    const detector = await fitDetector(syntheticFit(pieces));
    expect(detector.labelledCalibration?.scores).toHaveLength(8);
    expect(detector.labelledCalibration?.scores[7]).toBeLessThan(0.2);
  });
});

describe('bad input', () => {
  it('is refused', async () => {
    const unlabelled = await fitDetector(syntheticFit(syntheticFiles('x', 4)));
    expect(() => createDiagnoser(unlabelled)).toThrow('diagnose: this detector has no labels; fit it with --labels');
    const diagnose = createDiagnoser(await fitted);
    await expect(diagnose([])).rejects.toThrow('diagnose: expected at least one segment, got none');
    await expect(diagnose([new Float32Array(3)])).rejects.toThrow('expected embeddings of 16 values, got 3');
    await expect(diagnose([])).rejects.toBeInstanceOf(InputError);
  });
});
