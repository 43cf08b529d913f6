// The encoder families that have weights.
import { toFloat32 } from '../graph/stored-tensor.ts';
import { gridPositions } from '../nn/positions.ts';
import { InputError } from '../signal/errors.ts';
import { audiomaeFamily } from './audiomae.ts';
import { eatTrunk, echoTrunk, fisherTrunk } from './band-trunks.ts';
import { beatsFamily } from './beats.ts';
import { cedFamily } from './ced.ts';
import { dashengFamily } from './dasheng.ts';
import { createEat, EAT_POSITIONS_KEY, type EatConfig, eatName, eatSizes } from './eat.ts';
import { eatGraph } from './eat-transformer.ts';
import { createEcho, type EchoConfig, echoGraph, echoSizes } from './echo.ts';
import { echoPool } from './echo-pool.ts';
import {
  type Architecture,
  type ConfigHints,
  countLayers,
  type Family,
  headsFor,
  type StateDict,
  shapeAt,
} from './family.ts';
import { createFisher, FISHER_POSITION_GRID, FISHER_PREFIX, type FisherConfig, fisherSizes } from './fisher.ts';
import { speechFamily } from './speech-family.ts';

import { tunedFamily } from './tuned.ts';

/** ECHO with a configuration of its own. Blocks behind the one that is pooled are none of it. */
export const echoArchitecture = (config: EchoConfig): Architecture =>
  echoOf({ ...config, depth: echoPool(config)?.at(-1)?.layer ?? config.depth });

const echoOf = (config: EchoConfig): Architecture => ({
  family: 'echo',
  config,
  graph: (scope, options) => echoGraph(scope, config, options),
  create: (id, fingerprint, _weights, program) => createEcho(id, fingerprint, config, program),
  trunk: echoTrunk(config),
});

const POSITIONS_KEY = `${FISHER_PREFIX}.fixed_positional_encoder.positions`;

/** The frozen table of the checkpoint, or the published one computed anew. [rows, width] */
function fisherPositions(weights: StateDict, width: number): Float32Array {
  const stored = weights.get(POSITIONS_KEY);
  return stored ? toFloat32(stored) : gridPositions(FISHER_POSITION_GRID[0], FISHER_POSITION_GRID[1], width);
}

const fisherArchitecture = (config: FisherConfig, weights: StateDict = new Map()): Architecture => ({
  family: 'fisher',
  config,
  graph: (scope, options) => eatGraph(scope, config, options),
  create: (id, fingerprint, _weights, program) =>
    createFisher(id, fingerprint, config, fisherPositions(weights, config.width), program),
  trunk: fisherTrunk(config, () => fisherPositions(weights, config.width)),
});

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

const isEatOrFisher = (weights: StateDict): boolean =>
  weights.has(`${FISHER_PREFIX}.extra_tokens`) && weights.has('blocks.0.attn.qkv.weight');

function isEat(weights: StateDict): boolean {
  if (!isEatOrFisher(weights)) return false;
  const positions = weights.get(EAT_POSITIONS_KEY);
  if (positions) return positions.shape.at(-2) === EAT_POSITIONS;
  return shapeAt(weights, `${FISHER_PREFIX}.extra_tokens`)[2] >= NARROWEST_EAT;
}

const mapValues = <A, B>(record: Record<string, A>, change: (value: A) => B): Record<string, B> =>
  Object.fromEntries(Object.entries(record).map(([key, value]) => [key, change(value)]));

const baseFamilies: readonly Family[] = [
  {
    name: 'echo',
    sizes: mapValues(echoSizes, echoArchitecture),
    recognises: (weights) =>
      weights.has('patch_embed.proj.weight') && weights.has('encoder.layers.0.self_attn.in_proj_weight'),
    infer: (weights, hints) => {
      const [width, , bandBins, patchFrames] = shapeAt(weights, 'patch_embed.proj.weight');
      const depth = countLayers(weights, 'encoder.layers.', '.self_attn.in_proj_weight');
      const { segmentFrames, level, levelWeight, tail, pool } = hints;
      const deepest = echoPool({ depth, ...(pool !== undefined && { pool }) })?.at(-1)?.layer ?? 0;
      if (deepest > depth) {
        throw new InputError(`loadEncoder: expected pool to end at one of the ${depth} blocks, got ${pool}`);
      }
      if (levelWeight !== undefined && level === undefined) {
        throw new InputError('loadEncoder: a levelWeight needs an encoder trained without levels (level: removed)');
      }
      return echoArchitecture({
        width,
        depth,
        heads: headsFor(width, hints),
        bandBins,
        patchFrames,
        ...(segmentFrames !== undefined && { segmentFrames }),
        ...(level !== undefined && { level }),
        ...(levelWeight !== undefined && { levelWeight }),
        ...(tail !== undefined && { tail }),
        ...(pool !== undefined && { pool }),
      });
    },
  },
  {
    name: 'fisher',
    sizes: mapValues(fisherSizes, (config) => fisherArchitecture(config)),
    recognises: (weights) => isEatOrFisher(weights) && !isEat(weights),
    infer: (weights, hints) => {
      const [, , width] = shapeAt(weights, `${FISHER_PREFIX}.extra_tokens`);
      const projected = weights.get(`${FISHER_PREFIX}.local_encoder.0.proj.weight`);
      const depth = countLayers(weights, 'blocks.', '.attn.qkv.weight');
      // The published sizes: 50 bins for width 384, 100 for the smaller ones. The file's own word goes first.
      const bandBins = hints.bandBins ?? (width >= 384 ? 50 : 100);
      return fisherArchitecture(
        {
          width,
          depth,
          heads: headsFor(width, hints),
          bandBins,
          lengthMode: hints.lengthMode ?? 'readme',
          ...(projected && { patchWidth: projected.shape[0] }),
        },
        weights,
      );
    },
  },
  {
    name: 'eat',
    sizes: mapValues(eatSizes, eatArchitecture),
    recognises: isEat,
    rename: eatName,
    infer: (weights, hints) => {
      const [, , width] = shapeAt(weights, `${FISHER_PREFIX}.extra_tokens`);
      const depth = countLayers(weights, 'blocks.', '.attn.qkv.weight');
      return eatArchitecture({ width, depth, heads: headsFor(width, hints) });
    },
  },
  cedFamily,
  dashengFamily,
  beatsFamily,
  audiomaeFamily,
  speechFamily,
];

export const families: readonly Family[] = [...baseFamilies, tunedFamily(baseFamilies)];

/** Weights under the names of the first family that knows them, and that family. */
export function familyOf(
  weights: StateDict,
  hints: ConfigHints = {},
): { family: Family; weights: StateDict } | undefined {
  for (const family of families) {
    const { rename } = family;
    const named = rename ? new Map(Array.from(weights, ([name, tensor]) => [rename(name), tensor])) : weights;
    const own = hints.family === undefined || hints.family === family.name;
    if (own && (family.recognises(named) || hints.family === family.name)) return { family, weights: named };
  }
  return undefined;
}
