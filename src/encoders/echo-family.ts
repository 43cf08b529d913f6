// ECHO as a family: how its checkpoints are recognised and sized.
import { InputError } from '../signal/errors.ts';
import { echoTrunk } from './band-trunks.ts';
import { createEcho, type EchoConfig, echoGraph, echoSizes } from './echo.ts';
import { echoPool } from './echo-pool.ts';
import { type Architecture, architecturesOf, countLayers, type Family, headsFor, shapeAt } from './family.ts';

const architecture = (config: EchoConfig): Architecture => ({
  family: 'echo',
  config,
  graph: (scope, options) => echoGraph(scope, config, options),
  create: (id, fingerprint, _weights, program) => createEcho(id, fingerprint, config, program),
  trunk: echoTrunk(config),
});

/** ECHO with a configuration of its own. Blocks behind the one that is pooled are none of it. */
export const echoArchitecture = (config: EchoConfig): Architecture =>
  architecture({ ...config, depth: echoPool(config)?.at(-1)?.layer ?? config.depth });

export const echoFamily: Family = {
  name: 'echo',
  sizes: architecturesOf(echoSizes, echoArchitecture),
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
};
