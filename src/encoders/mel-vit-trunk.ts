// CED and Dasheng as fine-tuning sees them: crops of one chunk, hidden states of all blocks.
import { float32 } from '../graph/runtime.ts';
import { input } from '../graph/tensor.ts';
import { concatenate } from '../signal/concatenate.ts';
import { InputError } from '../signal/errors.ts';
import type { StateDict } from './family.ts';
import { MEL_HOP, MEL_RATE, MELS, melDb, normaliseMel } from './mel-db.ts';
import { leastSamples, type MelVit, type MelVitConfig, melPatches, melVitStates, patchRows } from './mel-vit.ts';
import { requireRate, requireSamples } from './requirements.ts';
import type { Trunk } from './trunk.ts';

/** Crops of one chunk, at 16 kHz; their features are the levels after the batch norm, whose statistics stay as they are. */
export function melVitTrunk(vit: MelVit, config: MelVitConfig, statistics: StateDict): Trunk {
  const size = vit.patchMels * vit.patchFrames;
  const framesIn = (samples: number): number => {
    const frames = 1 + Math.floor(samples / MEL_HOP);
    if (frames <= config.targetLength) return frames;
    const most = config.targetLength * MEL_HOP - 1;
    throw new InputError(
      `${vit.family}: expected crops of at most ${most} samples (${Number((most / MEL_RATE).toPrecision(3))} s, ${config.targetLength} frames), got ${samples}; cut shorter crops`,
    );
  };
  const columnsOf = (frames: number): number => Math.floor(frames / vit.patchFrames);
  return {
    sampleRate: MEL_RATE,
    leastSamples: (sampleRate) => leastSamples(vit, sampleRate),
    width: config.width,
    states: config.depth + 1,
    features: (samples, sampleRate) => {
      requireRate(vit.family, sampleRate, MEL_RATE);
      requireSamples(vit.family, samples.length, leastSamples(vit, sampleRate), sampleRate);
      const frames = framesIn(samples.length);
      return { values: normaliseMel(melDb([samples])[0], statistics), frames, bins: MELS };
    },
    feeds: (features) => {
      const columns = columnsOf(features[0].frames);
      const chunk = { from: 0, columns, counted: columns, heard: columns };
      const patches = patchRows(vit) * columns;
      const cut = features.map((crop) => melPatches(crop.values, chunk, vit).values);
      return { patches: float32(concatenate(Float32Array, cut), [features.length, patches, size]) };
    },
    graph: (scope, { count, samples }, options) => {
      const columns = columnsOf(framesIn(samples));
      const patches = input('patches', [count, patchRows(vit) * columns, size]);
      const states = melVitStates(scope, vit, config, patches, columns, options);
      return { states, cls: 0, grid: [patchRows(vit), columns, 1] };
    },
  };
}
