// Which patches a student sees: inverse block masks of EAT and FISHER, random masks of ECHO.
import type { Random } from '../signal/simulate/random.ts';

export type BlockMaskConfig = {
  /** Share of patches that is masked: 0.8 in EAT base, 0.75 in EAT large. */
  maskRatio: number;
  /** Side of the blocks that are kept, in patches. */
  blockSize: number;
  /** Added to the kept share before the number of blocks is drawn; overlaps eat it up. */
  adjust: number;
};

export const eatBlockMask: BlockMaskConfig = { maskRatio: 0.8, blockSize: 5, adjust: 0.07 };

/** Patches kept of `count`: the same for every mask, so that all students of a batch have one length. */
export const keptCount = (count: number, maskRatio: number): number => Math.floor(count * (1 - maskRatio) + 1e-9);

/** Blocks drawn for a grid of `count` patches. */
export const blockCount = (count: number, { maskRatio, blockSize, adjust }: BlockMaskConfig): number =>
  Math.floor((count * (1 - maskRatio + adjust)) / blockSize ** 2 + 1e-9);

/**
 * Cells kept by blocks around `centres` (row-major numbers) on a grid [rows, columns], before balancing: offsets
 * -floor(size/2) … of each block, clamped at the edges. 1 = kept.
 */
export function stampBlocks(centres: readonly number[], rows: number, columns: number, size: number): Uint8Array {
  const kept = new Uint8Array(rows * columns);
  const from = -Math.floor(size / 2);
  const clamp = (value: number, limit: number) => Math.min(limit - 1, Math.max(0, value));
  for (const centre of centres) {
    const [r, c] = [Math.floor(centre / columns), centre % columns];
    for (let i = from; i < from + size; i++) {
      for (let j = from; j < from + size; j++) kept[clamp(r + i, rows) * columns + clamp(c + j, columns)] = 1;
    }
  }
  return kept;
}

/** `count` of the numbers, drawn without replacement; the order of the result carries no meaning. */
function draw(numbers: number[], count: number, random: Random): number[] {
  for (let i = 0; i < count; i++) {
    const j = random.integer(i, numbers.length - 1);
    [numbers[i], numbers[j]] = [numbers[j], numbers[i]];
  }
  return numbers.slice(0, count);
}

/**
 * An inverse block mask on a grid [rows, columns] (EAT, section 3.2): blocks around random centres are kept, then single
 * cells are kept or masked at random until exactly `keptCount` remain. Returns the numbers of the kept cells, ascending.
 */
export function blockMask(rows: number, columns: number, config: BlockMaskConfig, random: Random): Int32Array {
  const count = rows * columns;
  const wanted = keptCount(count, config.maskRatio);
  const centres = Array.from({ length: blockCount(count, config) }, () => random.integer(0, count - 1));
  const kept = stampBlocks(centres, rows, columns, config.blockSize);
  const cellsOf = (value: number) => Array.from(kept.keys()).filter((i) => kept[i] === value);
  const inside = cellsOf(1);
  if (inside.length > wanted) for (const i of draw(inside, inside.length - wanted, random)) kept[i] = 0;
  else for (const i of draw(cellsOf(0), wanted - inside.length, random)) kept[i] = 1;
  return Int32Array.from(cellsOf(1));
}

/** `keptCount` of `count` cells at random (ECHO, "simple random masks"; MAE). Ascending. */
export const randomMask = (count: number, maskRatio: number, random: Random): Int32Array =>
  Int32Array.from(
    draw(
      Array.from({ length: count }, (_, i) => i),
      keptCount(count, maskRatio),
      random,
    ),
  ).sort();
