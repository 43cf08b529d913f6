// EAT as a family: how its checkpoints are recognised and sized.
import { eatTrunk } from './band-trunks.ts';
import { createEat, EAT_POSITIONS_KEY, type EatConfig, eatName, eatSizes } from './eat.ts';
import { EAT_PREFIX, eatGraph } from './eat-transformer.ts';
import {
  type Architecture,
  architecturesOf,
  countLayers,
  type Family,
  headsFor,
  type StateDict,
  shapeAt,
} from './family.ts';
import { findCounts } from './published-settings.ts';

const eatArchitecture = (config: EatConfig): Architecture => ({
  family: 'eat',
  config,
  graph: (scope, options) => eatGraph(scope, config, options),
  create: (id, fingerprint, _weights, program) => createEat(id, fingerprint, config, program),
  trunk: eatTrunk(config),
});

/** Rows of the position tables that releases of EAT carry: 768 x 8 patches. FISHER's have 50 columns. */
const EAT_POSITIONS = 6144;
/** FISHER is narrower in all its sizes. */
const NARROWEST_EAT = 768;

/** CLS [1, 1, D] of EAT and FISHER, which have the same names. */
export const EAT_CLS_KEY = `${EAT_PREFIX}.extra_tokens`;

export const isEatOrFisher = (weights: StateDict): boolean =>
  weights.has(EAT_CLS_KEY) && weights.has('blocks.0.attn.qkv.weight');

export function isEat(weights: StateDict): boolean {
  if (!isEatOrFisher(weights)) return false;
  const positions = weights.get(EAT_POSITIONS_KEY);
  if (positions) return positions.shape.at(-2) === EAT_POSITIONS;
  return shapeAt(weights, EAT_CLS_KEY)[2] >= NARROWEST_EAT;
}

export const eatFamily: Family = {
  name: 'eat',
  sizes: architecturesOf(eatSizes, eatArchitecture),
  recognises: isEat,
  rename: eatName,
  hintsFrom: (settings) => findCounts(settings, { heads: ['num_heads'] }),
  infer: (weights, hints) => {
    const [, , width] = shapeAt(weights, EAT_CLS_KEY);
    const depth = countLayers(weights, 'blocks.', '.attn.qkv.weight');
    return eatArchitecture({ width, depth, heads: headsFor(width, hints) });
  },
};
