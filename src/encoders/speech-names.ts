// The tensor names of speech encoders: those of Hugging Face without a prefix, from every spelling that releases use.

/** Where a name of the encoder begins, behind whatever a model with a head puts in front (`wav2vec2.`, `hubert.` …). */
const PREFIX =
  /^(?:\w+\.)*?(?=feature_extractor\.|feature_projection\.|encoder\.(?:pos_conv|layer_norm|layers)|masked_spec_embed$|mask_emb$|post_extract_proj\.)/;

/** Names of fairseq and of Microsoft's WavLM -> those of Hugging Face; the first that fits is taken. */
const RENAMED: readonly (readonly [RegExp, string])[] = [
  [/^mask_emb$/, 'masked_spec_embed'],
  [/^post_extract_proj\./, 'feature_projection.projection.'],
  // The norm behind the convolutions: at the top of the model, never of a head.
  [/^(?:(?:\w+\.)*?(?:w2v_)?model\.)?layer_norm\./, 'feature_projection.layer_norm.'],
  [/^(feature_extractor\.conv_layers\.\d+)\.0\./, '$1.conv.'],
  [/^(feature_extractor\.conv_layers\.\d+)\.2\.(?:1\.)?/, '$1.layer_norm.'],
  [/^encoder\.pos_conv\.0\./, 'encoder.pos_conv_embed.conv.'],
  [/^(encoder\.layers\.\d+)\.self_attn_layer_norm\./, '$1.layer_norm.'],
  [/^(encoder\.layers\.\d+)\.fc1\./, '$1.feed_forward.intermediate_dense.'],
  [/^(encoder\.layers\.\d+)\.fc2\./, '$1.feed_forward.output_dense.'],
  [/^(encoder\.layers\.\d+)\.self_attn\.grep_a$/, '$1.attention.gru_rel_pos_const'],
  [/^(encoder\.layers\.\d+)\.self_attn\.grep_linear\./, '$1.attention.gru_rel_pos_linear.'],
  [/^(encoder\.layers\.\d+)\.self_attn\.relative_attention_bias\./, '$1.attention.rel_attn_embed.'],
  [/^(encoder\.layers\.\d+)\.self_attn\./, '$1.attention.'],
];

/** Weight normalisation as newer versions of PyTorch store it -> its older spelling, which most files have. */
const WEIGHT_NORM: readonly (readonly [RegExp, string])[] = [
  [/\.parametrizations\.weight\.original0$/, '.weight_g'],
  [/\.parametrizations\.weight\.original1$/, '.weight_v'],
];

const renamed = (name: string, rules: readonly (readonly [RegExp, string])[]): string => {
  const rule = rules.find(([pattern]) => pattern.test(name));
  return rule ? name.replace(...rule) : name;
};

/** Names of published speech encoders, with any prefix and in any spelling -> Hugging Face's own without a prefix. */
export const speechName = (name: string): string => renamed(renamed(name.replace(PREFIX, ''), RENAMED), WEIGHT_NORM);
