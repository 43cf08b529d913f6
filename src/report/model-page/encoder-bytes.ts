// An encoder out of the bytes of a weights file, where there are no folders to look for more in.
import { buildEncoder, recogniseWeights } from '../../encoders/build.ts';
import { familyOf } from '../../encoders/families.ts';
import type { Architecture } from '../../encoders/family.ts';
import { storedHints } from '../../encoders/stored-hints.ts';
import type { Encoder } from '../../encoders/types.ts';
import { readSafetensors } from '../../graph/safetensors.ts';

/**
 * Builds the encoder of a safetensors file, and tells its configuration.
 * @throws InputError if the file is damaged, or no family knows its tensors
 */
export async function encoderFromBytes(
  bytes: Uint8Array,
  name: string,
): Promise<{ encoder: Encoder; config: Architecture['config'] }> {
  const { tensors, metadata } = readSafetensors(bytes, name);
  const hints = metadata.thrum === undefined ? {} : storedHints(metadata.thrum, name);
  const architecture = recogniseWeights(tensors, hints);
  const weights = familyOf(tensors, hints)?.weights ?? tensors;
  return { encoder: await buildEncoder(name, architecture, weights), config: architecture.config };
}
