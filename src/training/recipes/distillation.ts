// The graph that the recipes share: self-distillation of an encoder, its parameters fresh, with what is worth watching.
import { createScope } from '../../nn/parameters.ts';
import {
  type BatchShape,
  type DistilledEncoder,
  distillationGraph,
  type TargetNorm,
  teacherScope,
} from '../self-distillation.ts';
import type { Trainable } from '../step.ts';

export type DistillationOptions = { decoderLayers: number; utteranceWeight: number; targetNorm: TargetNorm };

/** EAT's decoder; it is thrown away after pre-training. */
const DECODER = { kernel: 3, groups: 16, prefix: 'decoder' };

/** Both losses are means over what they sum (`balanced`), so that a weight means the same for every batch. */
export function distillation(
  encoder: DistilledEncoder,
  shape: BatchShape,
  { decoderLayers, utteranceWeight, targetNorm }: DistillationOptions,
): Trainable {
  const {
    loss,
    inner: _inner,
    ...watched
  } = distillationGraph(
    encoder,
    createScope(),
    teacherScope(),
    shape,
    { ...DECODER, layers: decoderLayers },
    { utterance: utteranceWeight, weighting: 'balanced', targetNorm },
  );
  return { loss, watched };
}
