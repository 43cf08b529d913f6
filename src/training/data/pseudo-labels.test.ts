import { describe, expect, it } from 'vitest';
import { InputError } from '../../signal/errors.ts';
import { createRandom } from '../../signal/simulate/random.ts';
import { pseudoLabels } from './pseudo-labels.ts';

const COLUMNS = 6;

/** Vectors of one machine in `conditions` clouds, in turn. */
function machine(name: string, count: number, conditions: number): Float32Array[] {
  const random = createRandom(name);
  const centres = Array.from({ length: conditions }, () =>
    Array.from({ length: COLUMNS }, () => random.gaussian(0, 3)),
  );
  return Array.from({ length: count }, (_, i) =>
    Float32Array.from(centres[i % conditions], (value) => value + random.gaussian(0, 0.3)),
  );
}

const fan = machine('fan', 60, 3);
const pump = machine('pump', 50, 5);
const vectors = [...fan, ...pump];
const groups = [...fan.map(() => 'fan'), ...pump.map(() => 'pump')];

describe('pseudoLabels', () => {
  it('finds the conditions of every machine, and how many there are', () => {
    const labels = pseudoLabels(vectors, groups, { seed: 1 });
    expect(labels.slice(0, 60)).toEqual(fan.map((_, i) => `fan_cluster_${i % 3}`));
    expect(labels.slice(60)).toEqual(pump.map((_, i) => `pump_cluster_${i % 5}`));
    expect(pseudoLabels(vectors, groups, { seed: 1 })).toEqual(labels);
  });

  it('does not depend on the other machines', () => {
    const alone = pseudoLabels(pump, groups.slice(60), { seed: 1 });
    expect(alone).toEqual(pseudoLabels(vectors, groups, { seed: 1 }).slice(60));
  });

  it('takes the number of clusters that is given, and none above the most', () => {
    const count = (options: { clusters?: number; maxClusters?: number }) =>
      new Set(pseudoLabels(pump, groups.slice(60), { seed: 1, ...options })).size;
    expect([count({ clusters: 2 }), count({ clusters: 7 }), count({ clusters: 1 })]).toEqual([2, 7, 1]);
    expect(count({ maxClusters: 3 })).toBeLessThanOrEqual(3);
  });

  it('has one cluster for one or two points, and for equal ones', () => {
    const same = Array.from({ length: 5 }, () => Float32Array.of(1, 2));
    expect(
      pseudoLabels(
        same,
        same.map(() => 'a'),
        { seed: 1 },
      ),
    ).toEqual(same.map(() => 'a_cluster_0'));
    const few = [Float32Array.of(0), Float32Array.of(1), Float32Array.of(5)];
    expect(pseudoLabels(few, ['a', 'a', 'b'], { seed: 1 })).toEqual(['a_cluster_0', 'a_cluster_0', 'b_cluster_0']);
    expect(pseudoLabels([], [], { seed: 1 })).toEqual([]);
  });

  it('measures silhouettes on a part of many points', () => {
    const many = machine('many', 1500, 4);
    const labels = pseudoLabels(
      many,
      many.map(() => 'm'),
      { seed: 1, maxClusters: 5 },
    );
    expect(labels).toEqual(many.map((_, i) => `m_cluster_${i % 4}`));
  });

  it('refuses what cannot be clustered', () => {
    const refused = (of: Float32Array[], options = {}) =>
      expect(() =>
        pseudoLabels(
          of,
          of.map(() => 'a'),
          { seed: 1, ...options },
        ),
      );
    expect(() => pseudoLabels(fan, ['a'], { seed: 1 })).toThrow(
      'pseudoLabels: expected a group of each of 60 vectors, got 1',
    );
    refused([Float32Array.of(1), Float32Array.of(1, 2)]).toThrow('expected vectors of 1 values, got 2');
    refused([1, 2, 3, Number.NaN].map((value) => Float32Array.of(value))).toThrow(InputError);
    refused(fan, { clusters: 0.5 }).toThrow('clusters of 1 or more, got 0.5');
    refused(fan, { maxClusters: 1 }).toThrow('maxClusters of 2 or more, got 1');
    refused(fan, { restarts: 0 }).toThrow('restarts of 1 or more, got 0');
  });
});
