import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { goldenPath, readGolden } from '../../tests/golden.ts';
import { createRandom } from '../signal/simulate/random.ts';
import {
  type BlockMaskConfig,
  blockCount,
  blockMask,
  eatBlockMask,
  keptCount,
  randomMask,
  stampBlocks,
} from './masks.ts';

const golden = readGolden('eat_mask/data.safetensors');
const { stats } = JSON.parse(readFileSync(goldenPath('eat_mask/meta.json'), 'utf8'));

type Stats = {
  grid: [number, number];
  mask_prob: number;
  mask_length: number;
  adjust: number;
  num_centres: number;
  kept_exact: number;
  kept_before_balance: { mean: number; std: number };
  kept_neighbour_pairs_per_kept: number;
};

const cases = Object.entries(stats as Record<string, Stats>).map(([name, s]) => ({
  name,
  s,
  config: { maskRatio: s.mask_prob, blockSize: s.mask_length, adjust: s.adjust } satisfies BlockMaskConfig,
}));

/** Pairs of kept cells that touch, to the right and below. */
function neighbourPairs(kept: Int32Array, rows: number, columns: number): number {
  const inside = new Set(kept);
  let pairs = 0;
  for (const cell of kept) {
    if ((cell % columns) + 1 < columns && inside.has(cell + 1)) pairs++;
    if (cell + columns < rows * columns && inside.has(cell + columns)) pairs++;
  }
  return pairs;
}

describe('blockMask', () => {
  it.each(cases)('draws as the reference does: $name', ({ name, s, config }) => {
    const [rows, columns] = s.grid;
    const cells = rows * columns;
    expect(blockCount(cells, config)).toBe(s.num_centres);
    expect(keptCount(cells, config.maskRatio)).toBe(s.kept_exact);
    const random = createRandom(name);
    const draws = 3000;
    const probability = new Float64Array(cells);
    let pairs = 0;
    for (let i = 0; i < draws; i++) {
      const kept = blockMask(rows, columns, config, random);
      expect(kept.length).toBe(s.kept_exact);
      expect(new Set(kept).size).toBe(s.kept_exact);
      for (const cell of kept) probability[cell] += 1 / draws;
      pairs += neighbourPairs(kept, rows, columns) / s.kept_exact / draws;
    }
    // Six standard errors of a share of 3,000 draws; the reference has 20,000.
    const wanted = golden.get(`${name}.keep_prob`)?.data as Float32Array;
    for (let cell = 0; cell < cells; cell++) expect(Math.abs(probability[cell] - wanted[cell])).toBeLessThan(0.055);
    expect(Math.abs(pairs - s.kept_neighbour_pairs_per_kept)).toBeLessThan(0.03);
  });

  it.each(cases)('stamps as many cells before balancing: $name', ({ name, s, config }) => {
    const [rows, columns] = s.grid;
    const random = createRandom(`${name} stamps`);
    let mean = 0;
    const draws = 4000;
    for (let i = 0; i < draws; i++) {
      const centres = Array.from({ length: s.num_centres }, () => random.integer(0, rows * columns - 1));
      mean += stampBlocks(centres, rows, columns, config.blockSize).reduce((a, b) => a + b, 0) / draws;
    }
    expect(Math.abs(mean - s.kept_before_balance.mean)).toBeLessThan(
      (6 * s.kept_before_balance.std) / Math.sqrt(draws),
    );
  });
});

describe('stampBlocks', () => {
  const fixed = [...golden.keys()].filter((key) => key.endsWith('.centres'));
  it.each(fixed)('keeps the cells of the reference: %s', (key) => {
    const centres = Array.from(golden.get(key)?.data as BigInt64Array, Number);
    const masked = golden.get(key.replace('centres', 'mask_before_balance'))?.data as Uint8Array;
    const kept = stampBlocks(centres, 64, 8, 5);
    expect(Array.from(kept, (value) => 1 - value)).toEqual(Array.from(masked));
  });
});

describe('randomMask', () => {
  it('keeps as many cells as asked for, each as often', () => {
    const random = createRandom(3);
    const counts = new Float64Array(40);
    for (let i = 0; i < 4000; i++) {
      const kept = randomMask(40, 0.75, random);
      expect(kept.length).toBe(10);
      expect(Array.from(kept)).toEqual([...new Set(kept)].sort((a, b) => a - b));
      for (const cell of kept) counts[cell] += 1 / 4000;
    }
    for (const share of counts) expect(Math.abs(share - 0.25)).toBeLessThan(6 * Math.sqrt((0.25 * 0.75) / 4000));
  });

  it('is the same for the same seed', () => {
    expect(randomMask(64, 0.8, createRandom('a'))).toEqual(randomMask(64, 0.8, createRandom('a')));
    expect(blockMask(64, 8, eatBlockMask, createRandom(1))).toEqual(blockMask(64, 8, eatBlockMask, createRandom(1)));
  });
});
