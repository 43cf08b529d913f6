// Which clip comes when: source and item of clip number n follow from the seed alone, so a run resumes anywhere.
import { InputError } from '../../signal/errors.ts';
import { createRandom, type Random } from '../../signal/simulate/random.ts';

/** What the sampler needs to know of a source: `count` items, or null where every clip is made up. */
export type SampledSource = { weight: number; count: number | null };

export type ClipPlan = {
  /** Number of the source. */
  source: number;
  /** Number of the item within its source; a source without items counts its clips. */
  item: number;
  /** How often the source has been gone through before; 0 for a source without items. */
  epoch: number;
  /** Place within the epoch: `epochItem` tells what lies at the places after it. */
  position: number;
  /** For everything else that is drawn for this clip. */
  random: Random;
};

export type Seed = number | string;

/**
 * Clips per block. Every block holds the same number of clips of each source, in an order of its own: that makes the
 * number of clips of a source before any n a product instead of a count over all that came before.
 */
const BLOCK = 1000;
const MAX_CACHED = 256;

const orders = new Map<string, Int32Array>();

/** Orders are made once and shared, as they are asked for n after n. */
function cached(key: string, create: () => Int32Array): Int32Array {
  const known = orders.get(key);
  if (known) return known;
  const order = create();
  for (const oldest of orders.keys()) {
    if (orders.size < MAX_CACHED) break;
    orders.delete(oldest);
  }
  orders.set(key, order);
  return order;
}

/** Shuffles in place (Durstenfeld 1964). */
function shuffle(values: Int32Array, random: Random): Int32Array {
  for (let i = values.length - 1; i > 0; i--) {
    const j = random.integer(0, i);
    [values[i], values[j]] = [values[j], values[i]];
  }
  return values;
}

function checkSources(sources: readonly SampledSource[]): void {
  if (sources.length === 0 || sources.length > BLOCK) {
    throw new InputError(`clipPlan: expected 1 to ${BLOCK} sources, got ${sources.length}`);
  }
  for (const [i, { weight, count }] of sources.entries()) {
    if (!(weight > 0 && Number.isFinite(weight))) {
      throw new InputError(
        `clipPlan: expected a positive weight of source ${i + 1}, got ${weight}; leave it out instead`,
      );
    }
    if (count !== null && !(Number.isInteger(count) && count > 0)) {
      throw new InputError(`clipPlan: expected items in source ${i + 1}, got ${count}`);
    }
  }
}

/**
 * Clips of each source in a block of 1000: one each, and the rest by weight with the largest remainders rounded up. So a
 * share is met to 1/1000 or better unless it is smaller than that, and then it is 1/1000.
 */
export function blockQuotas(weights: readonly number[]): number[] {
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  const wanted = weights.map((weight) => Math.max(1, (weight / total) * BLOCK));
  const quotas = wanted.map(Math.floor);
  const missing = () => BLOCK - quotas.reduce((sum, quota) => sum + quota, 0);
  const byRemainder = wanted
    .map((value, i) => ({ i, rest: value - quotas[i] }))
    .sort((a, b) => b.rest - a.rest || a.i - b.i);
  for (let k = 0; missing() > 0; k = (k + 1) % byRemainder.length) quotas[byRemainder[k].i]++;
  // Sources below 1/1000 took more than their share: the largest give it back.
  while (missing() < 0) quotas[quotas.indexOf(Math.max(...quotas))]--;
  return quotas;
}

/** Sources of a block's clips [BLOCK], followed by the number of earlier clips of the same source in the block [BLOCK]. */
function blockOrder(seed: Seed, weights: readonly number[], block: number): Int32Array {
  const quotas = blockQuotas(weights);
  const order = Int32Array.from(quotas.flatMap((quota, source) => new Array<number>(quota).fill(source)));
  shuffle(order, createRandom(seed).fork(`block ${block}`));
  const seen = new Int32Array(weights.length);
  const layout = new Int32Array(2 * BLOCK);
  layout.set(order);
  for (let i = 0; i < BLOCK; i++) layout[BLOCK + i] = seen[order[i]]++;
  return layout;
}

/** The item at a place of an epoch: every epoch of a source is a permutation of its items. */
export function epochItem(seed: Seed, source: number, count: number, epoch: number, position: number): number {
  const order = cached(`item\u0000${seed}\u0000${source}\u0000${count}\u0000${epoch}`, () =>
    shuffle(
      Int32Array.from({ length: count }, (_, i) => i),
      createRandom(seed).fork(`source ${source}`).fork(`epoch ${epoch}`),
    ),
  );
  return order[position];
}

/**
 * What clip number `n` (from 0) of a run is. It depends on the arguments alone: any place of a run is found without
 * going through those before it. Sources come by weight, exactly so over every thousand clips; a source with items gives
 * each of them once per epoch, in a new order every time.
 * @throws InputError for an n that is not a whole number, no or too many sources, and weights or counts that are not
 * positive.
 */
export function clipPlan(n: number, seed: Seed, sources: readonly SampledSource[]): ClipPlan {
  if (!(Number.isSafeInteger(n) && n >= 0))
    throw new InputError(`clipPlan: expected a whole number from 0 on, got ${n}`);
  checkSources(sources);
  const weights = sources.map(({ weight }) => weight);
  const [block, at] = [Math.floor(n / BLOCK), n % BLOCK];
  const layout = cached(`block\u0000${seed}\u0000${weights.join()}\u0000${block}`, () =>
    blockOrder(seed, weights, block),
  );
  const source = layout[at];
  const random = createRandom(seed).fork(`clip ${n}`);
  const rank = block * blockQuotas(weights)[source] + layout[BLOCK + at];
  const { count } = sources[source];
  if (count === null) return { source, item: rank, epoch: 0, position: rank, random };
  const [epoch, position] = [Math.floor(rank / count), rank % count];
  return { source, item: epochItem(seed, source, count, epoch, position), epoch, position, random };
}
