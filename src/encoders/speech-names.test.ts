import { expect, it } from 'vitest';
import { readGolden } from '../../tests/golden.ts';
import { speechName } from './speech-names.ts';

it.each([
  ['wav2vec2.masked_spec_embed', 'masked_spec_embed'],
  ['hubert.feature_extractor.conv_layers.0.conv.weight', 'feature_extractor.conv_layers.0.conv.weight'],
  ['unispeech_sat.encoder.layer_norm.bias', 'encoder.layer_norm.bias'],
  [
    'model.wavlm.encoder.layers.11.attention.rel_attn_embed.weight',
    'encoder.layers.11.attention.rel_attn_embed.weight',
  ],
  ['wavlm.encoder.pos_conv_embed.conv.parametrizations.weight.original0', 'encoder.pos_conv_embed.conv.weight_g'],
  ['encoder.pos_conv_embed.conv.parametrizations.weight.original1', 'encoder.pos_conv_embed.conv.weight_v'],
  ['encoder.pos_conv.0.weight_g', 'encoder.pos_conv_embed.conv.weight_g'],
  // fairseq's large models have the norm inside another module.
  ['feature_extractor.conv_layers.3.2.1.weight', 'feature_extractor.conv_layers.3.layer_norm.weight'],
  ['w2v_encoder.w2v_model.encoder.layers.0.fc2.bias', 'encoder.layers.0.feed_forward.output_dense.bias'],
  ['w2v_encoder.w2v_model.layer_norm.bias', 'feature_projection.layer_norm.bias'],
])('%s is %s', (name, expected) => {
  expect(speechName(name)).toBe(expected);
});

it.each([
  ['quantizer.codevectors', 'project_hid.weight', 'project_q.bias', 'lm_head.weight', 'classifier.layer_norm.weight'],
  ['objective.weight', 'layer_weights', 'wav2vec2.adapter.layers.0.conv.weight', 'label_embeddings_concat'],
])('leaves heads as they are (%s …)', (...names) => {
  expect(names.map(speechName)).toEqual(names);
});

it('makes Microsoft’s names those of Hugging Face, and leaves these as they are', () => {
  const [ours, theirs] = ['model', 'model_ms'].map((file) => [
    ...readGolden(`wavlm_group_post/${file}.safetensors`).keys(),
  ]);
  expect(theirs.map(speechName).sort()).toEqual([...ours].sort());
  expect(ours.map(speechName)).toEqual(ours);
  expect(theirs.filter((name) => ours.includes(name))).toHaveLength(2 + 6 + 0);
});
