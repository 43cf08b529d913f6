// Small speech encoders with reference numbers, for tests: their configuration, weights, and layers as outputs of a graph.
import { floats32, type GoldenTensor, goldenPath, readGolden } from '../../tests/golden.ts';
import type { Feeds } from '../graph/runtime.ts';
import type { StoredTensor } from '../graph/stored-tensor.ts';
import { input } from '../graph/tensor.ts';
import { createScope, type ParameterScope } from '../nn/parameters.ts';
import { recogniseWeights } from './build.ts';
import { readCheckpoint } from './load.node.ts';
import { speechFeeds } from './speech.ts';
import { type SpeechConfig, speechFrames, speechTransformer } from './speech-transformer.ts';

export type GoldenSpeech = {
  config: SpeechConfig;
  model: Map<string, StoredTensor>;
  io: Map<string, GoldenTensor>;
};

/** A reference model, read as a published one is: weights, and the `config.json` beside them. */
export function readGoldenSpeech(folder: string): GoldenSpeech {
  const { weights, hints } = readCheckpoint(goldenPath(`${folder}/model.safetensors`));
  const { config } = recogniseWeights(weights, hints);
  return {
    config: config as unknown as SpeechConfig,
    model: new Map(weights),
    io: readGolden(`${folder}/io.safetensors`),
  };
}

export type LayerOptions = { masked?: boolean; fusedAttention?: boolean; scope?: ParameterScope };

/** Layers of a model for two clips of `length` samples: its sizes known, or open to the run. */
export function layersOf(
  config: SpeechConfig,
  length: number | 'samples',
  { masked = false, fusedAttention, scope = createScope() }: LayerOptions = {},
) {
  const open = length === 'samples';
  const [batch, frames] = open ? ['clips', 'frames'] : [2, speechFrames(length)];
  const samples = input('samples', [batch, length]);
  const buckets = config.buckets === undefined ? undefined : input('buckets', [frames, frames], 'int64');
  const frameMask = masked ? input('mask', [batch, frames]) : undefined;
  return speechTransformer(scope, config, { samples, frames, buckets, frameMask }, { fusedAttention });
}

/** Two clips, one after the other, as feeds. */
export const feedsOf = (values: Float32Array, config: SpeechConfig): Feeds => {
  const half = values.length / 2;
  return speechFeeds([values.subarray(0, half), values.subarray(half)], config);
};

/** Two clips of a file of reference numbers as feeds. */
export const goldenFeeds = (io: Map<string, GoldenTensor>, key: string, config: SpeechConfig): Feeds =>
  feedsOf(floats32(io, key), config);

/**
 * The head of `asd_finetune_*` before the step: the file has it after AdamW (rate 5e-4, decay 1e-4), whose first step can be
 * undone.
 */
export function goldenHead(golden: ReadonlyMap<string, GoldenTensor>): Map<string, StoredTensor> {
  const names = [...golden.keys()].filter((name) => name.startsWith('head.'));
  return new Map(
    names.map((name) => {
      const { shape, data } = golden.get(name) as StoredTensor;
      const slope = golden.get(`grad.${name}`)?.data as Float32Array;
      const before = (data as Float32Array).map(
        (value, i) => (value + (5e-4 * slope[i]) / (Math.abs(slope[i]) + 1e-8)) / (1 - 5e-4 * 1e-4),
      );
      return [name, { dtype: 'F32', shape, data: before }];
    }),
  );
}
