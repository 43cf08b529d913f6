// FISHER as a family: how its checkpoints are recognised and sized.
import { toFloat32 } from '../graph/stored-tensor.ts';
import { gridPositions } from '../nn/positions.ts';
import { fisherTrunk } from './band-trunks.ts';
import { EAT_POSITIONS_KEY } from './eat.ts';
import { EAT_CLS_KEY, isEat, isEatOrFisher } from './eat-family.ts';
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
import { createFisher, FISHER_POSITION_GRID, type FisherConfig, fisherSizes } from './fisher.ts';
import { findCounts } from './published-settings.ts';

/** The frozen table of the checkpoint, or the published one computed anew. [rows, width] */
function fisherPositions(weights: StateDict, width: number): Float32Array {
  const stored = weights.get(EAT_POSITIONS_KEY);
  return stored ? toFloat32(stored) : gridPositions(...FISHER_POSITION_GRID, width);
}

const fisherArchitecture = (config: FisherConfig, weights: StateDict = new Map()): Architecture => ({
  family: 'fisher',
  config,
  graph: (scope, options) => eatGraph(scope, config, options),
  create: (id, fingerprint, _weights, program) =>
    createFisher(id, fingerprint, config, fisherPositions(weights, config.width), program),
  trunk: fisherTrunk(config, () => fisherPositions(weights, config.width)),
});

export const fisherFamily: Family = {
  name: 'fisher',
  sizes: architecturesOf<FisherConfig>(fisherSizes, fisherArchitecture),
  recognises: (weights) => isEatOrFisher(weights) && !isEat(weights),
  hintsFrom: (settings) => findCounts(settings, { heads: ['num_heads'], bandBins: ['band_width'] }),
  infer: (weights, hints) => {
    const [, , width] = shapeAt(weights, EAT_CLS_KEY);
    const projected = weights.get(`${EAT_PREFIX}.local_encoder.0.proj.weight`);
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
};
