// The encoders that the static page has: the shipped one, and one without weights.
import { createFused, type FusedPart } from '../../../src/encoders/fused.ts';
import { createSpectral, spectralSettings } from '../../../src/encoders/spectral.ts';
import type { Encoder } from '../../../src/encoders/types.ts';
import { encoderFromBytes } from '../../../src/report/model-page/encoder-bytes.ts';
import { InputError } from '../../../src/signal/errors.ts';
import { localEncoders } from './names.ts';

/** How `thrum-1` is put together (models/thrum-1.json). */
export type Fusion = { parts: readonly { encoder: string; scale: number }[] };

const isSpectral = (name: string): name is keyof typeof spectralSettings => Object.hasOwn(spectralSettings, name);

/**
 * Builds an encoder by its name; each is built once.
 * @param weightsOf bytes of a weights file of the fusion
 */
export function createEncoders(fusion: Fusion, weightsOf: (file: string) => Promise<Uint8Array>) {
  const built = new Map<string, Promise<Encoder>>();
  const build = async (name: string): Promise<Encoder> => {
    if (isSpectral(name)) return createSpectral(name, spectralSettings[name]);
    if (name !== localEncoders[0]) {
      throw new InputError(
        `expected an encoder of ${localEncoders.join(', ')}, found ${name}; this page has no other: use the command line`,
      );
    }
    const parts: FusedPart[] = [];
    for (const { encoder, scale } of fusion.parts) {
      const part = isSpectral(encoder)
        ? createSpectral(encoder, spectralSettings[encoder])
        : (await encoderFromBytes(await weightsOf(encoder), encoder)).encoder;
      parts.push({ encoder: part, scale });
    }
    return createFused(name, parts);
  };
  return (name: string): Promise<Encoder> => {
    const known = built.get(name);
    if (known) return known;
    const made = build(name);
    built.set(name, made);
    // What failed may be tried again: the network may be back.
    made.catch(() => built.delete(name));
    return made;
  };
}
