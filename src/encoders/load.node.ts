// From what a user writes after --encoder to an encoder: a name of the registry, a weights file, or an ONNX model.

import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { basename, dirname, extname, join } from 'node:path';
import type { RuntimeOptions } from '../graph/runtime.ts';
import { readSafetensors } from '../graph/safetensors.ts';
import { parameterCount } from '../nn/parameters.ts';
import { InputError } from '../signal/errors.ts';
import { readLargeFile } from '../signal/read-large-file.node.ts';
import { systemReason } from '../signal/system-error.node.ts';
import { buildEncoder, fingerprintWeights, parameterShapes, randomWeights, recogniseWeights } from './build.ts';
import { publishedWeights } from './catalogue.ts';
import { findStateDict } from './checkpoint/state-dict.ts';
import { readTorchFile } from './checkpoint/torch-file.ts';
import type { ConfigHints } from './config-hints.ts';
import { families, familyOf } from './families.ts';
import type { Architecture, StateDict } from './family.ts';
import { createFused, type FusedPart, fusedFingerprint } from './fused.ts';
import { type Fusion, findFusion, fusedNames } from './fusion-file.node.ts';
import { modelFolders } from './model-folders.node.ts';
import { identifyOnnx, loadOnnxEncoder } from './onnx-encoder.node.ts';
import { createSpectral, type SpectralConfig, spectralSettings } from './spectral.ts';
import { storedHints } from './stored-hints.ts';
import type { Encoder } from './types.ts';

export type EncoderSpec = RuntimeOptions & {
  /**
   * `spectral`, `echo-small`, `echo-small@random`, `echo-small@random7` (a seed), `a+b` for two heard as one, or a path
   * to weights or an ONNX model.
   */
  encoder: string;
  /** Overrides what shapes and files say. */
  hints?: ConfigHints;
};

/**
 * Of every command, and the baseline of every table. It learned nothing; with the detector's whitening it finds more of
 * mild faults than `thrum-1`, which names faults better (results/mild-faults.csv, results/open.csv).
 */
export const DEFAULT_ENCODER = 'spectral';

/** Sizes with weights to load, by name: `echo-small` … */
export const namedArchitectures: ReadonlyMap<string, Architecture> = new Map(
  families.flatMap((family) =>
    Object.entries(family.sizes).map(([size, architecture]): [string, Architecture] => [
      family.registryName?.(size) ?? `${family.name}-${size}`,
      architecture,
    ]),
  ),
);

const WEIGHTS = '.safetensors';

/** The file with the weights of a named encoder, if there is one. */
export function findWeights(name: string): string | undefined {
  return modelFolders()
    .map((folder) => join(folder, `${name}${WEIGHTS}`))
    .find((path) => existsSync(path));
}

/** The file that `--encoder` means: a name of the registry first, then a path, then a name given at the import. */
export function weightsFor(encoder: string): string | undefined {
  if (!namedArchitectures.has(encoder) && existsSync(encoder)) return encoder;
  // A detector remembers weights given by their path as the name of the file.
  return findWeights(basename(encoder, WEIGHTS));
}

/** Names under which weights were imported, other than those of the registry. */
export function importedNames(): string[] {
  const files = modelFolders().flatMap((folder) => (existsSync(folder) ? readdirSync(folder) : []));
  const names = files.filter((file) => extname(file) === WEIGHTS).map((file) => basename(file, WEIGHTS));
  return [...new Set(names)].filter((name) => !namedArchitectures.has(name)).sort();
}

export type Checkpoint = { weights: StateDict; hints: ConfigHints };

/** Files in which Hugging Face's models keep their settings, beside the weights. */
const SETTINGS_FILES = ['config.json', 'preprocessor_config.json'];

/** Settings in files beside the weights, by the name of the file. @throws InputError if one is no JSON */
function settingsBeside(path: string): Record<string, unknown> {
  const found: Record<string, unknown> = {};
  for (const name of SETTINGS_FILES) {
    const file = join(dirname(path), name);
    if (!existsSync(file)) continue;
    try {
      found[name] = JSON.parse(readFileSync(file, 'utf8'));
    } catch {
      throw new InputError(
        `loadEncoder: expected JSON in ${file}, beside the weights, found other text; repair it or move it away`,
      );
    }
  }
  return found;
}

/** Tensors under the names of their family, where one knows them, and what published settings say of them. */
function named(tensors: StateDict, settings: unknown, hints: ConfigHints): Checkpoint {
  const found = familyOf(tensors, hints);
  return {
    weights: found?.weights ?? tensors,
    hints: { ...found?.family.hintsFrom?.(settings), ...hints },
  };
}

/**
 * Reads a checkpoint: safetensors, or a PyTorch file (tensors and plain containers only; nothing in it is executed).
 * Tensors come under the names that their family has for them; `hints` go before what the file says, and that before
 * `config.json` and `preprocessor_config.json` beside it, which are not looked at for files that Thrum wrote.
 * @throws InputError if it is neither, or damaged.
 */
export function readCheckpoint(path: string, hints: ConfigHints = {}): Checkpoint {
  let bytes: Uint8Array;
  try {
    bytes = readLargeFile(path);
  } catch (error) {
    throw new InputError(`loadEncoder: cannot read ${path}: ${systemReason(error)}`);
  }
  const name = basename(path);
  // A PyTorch file is a zip archive ("PK") or starts with a pickle (0x80); safetensors with the length of its header.
  const torch = (bytes[0] === 0x50 && bytes[1] === 0x4b) || (bytes[0] === 0x80 && bytes[1] <= 5);
  if (torch) {
    const { tensors, config } = findStateDict(readTorchFile(bytes, name));
    return named(tensors, [config, settingsBeside(path)], hints);
  }
  const { tensors, metadata } = readSafetensors(bytes, name);
  // What Thrum wrote says everything itself.
  if (metadata.thrum !== undefined) return named(tensors, {}, { ...storedHints(metadata.thrum, name), ...hints });
  return named(tensors, settingsBeside(path), hints);
}

/** Everything that `--encoder` may name. */
export const encoderNames = (): string[] => [
  ...fusedNames(),
  ...Object.keys(spectralSettings),
  ...namedArchitectures.keys(),
  ...importedNames(),
];

function missingWeights(name: string): InputError {
  const published = publishedWeights.some(({ id }) => id === name);
  const pull = published ? `fetch them with \`thrum models pull ${name}\`, ` : '';
  return new InputError(
    `loadEncoder: the weights of ${name} are not on this machine; ${pull}convert a checkpoint with \`thrum models import FILE --name ${name}\`, or use ${name}@random (untrained)`,
  );
}

/** The ONNX model that `--encoder` means, where it lies or in a folder of models. */
function findOnnx(encoder: string): string | undefined {
  if (extname(encoder).toLowerCase() !== '.onnx') return undefined;
  // A detector remembers the name of the file only.
  const kept = modelFolders().map((folder) => join(folder, basename(encoder)));
  return [encoder, ...kept].find((path) => existsSync(path));
}

/** What a name or path stands for: settings of the spectral encoder, an ONNX model, or weights with their architecture. */
type Found =
  | { id: string; settings: SpectralConfig }
  | { onnx: string }
  | { id: string; architecture: Architecture; weights: StateDict }
  | Fusion<EncoderSpec>;

/** @throws InputError if the name is unknown or its weights are not there. */
function findEncoder(spec: EncoderSpec): Found {
  const { encoder, hints } = spec;
  const fusion = findFusion(spec);
  if (fusion) return fusion;
  const twin = untrainedTwin(spec);
  if (twin) return twin;
  const settings: Record<string, SpectralConfig> = spectralSettings;
  if (Object.hasOwn(settings, encoder)) return { id: encoder, settings: settings[encoder] };
  const [, name = encoder, seed] = /^(.+?)(?:@random(\d*))?$/.exec(encoder) ?? [];
  const architecture = namedArchitectures.get(name);
  if (architecture && encoder.includes('@random')) {
    return { id: encoder, architecture, weights: randomWeights(architecture, Number(seed || 0)) };
  }
  const onnx = findOnnx(encoder);
  if (onnx !== undefined) return { onnx };
  const path = weightsFor(encoder);
  if (path === undefined && architecture) throw missingWeights(name);
  if (path === undefined) {
    throw new InputError(
      `loadEncoder: no encoder or file named ${encoder}; the encoders are ${encoderNames().join(', ')}, and any weights or ONNX file by its path`,
    );
  }
  const checkpoint = readCheckpoint(path, hints);
  const id = path === encoder ? basename(path) : name;
  return { id, architecture: recogniseWeights(checkpoint.weights, checkpoint.hints), weights: checkpoint.weights };
}

/** Weights and their architecture, which fine-tuning begins with. @throws InputError for an encoder without weights of its own */
export function loadWeights(spec: EncoderSpec): { id: string; architecture: Architecture; weights: StateDict } {
  const found = findEncoder(spec);
  if ('architecture' in found) return found;
  const why = 'parts' in found ? 'several heard as one; name one of them' : 'none';
  throw new InputError(`loadEncoder: expected an encoder with weights, got ${spec.encoder}, which has ${why}`);
}

/** The architecture of a weights file with random weights in their place: `weights.safetensors@random`. */
function untrainedTwin({ encoder, hints }: EncoderSpec): Found | undefined {
  const [, trained, seed] = /^(.+)@random(\d*)$/.exec(encoder) ?? [];
  if (trained === undefined || namedArchitectures.has(trained)) return undefined;
  const found = findEncoder({ encoder: trained, ...(hints && { hints }) });
  if ('parts' in found) {
    // Parts without weights have nothing that could be random.
    const parts = found.parts.map(({ spec, scale }) => {
      const learned = 'architecture' in findEncoder(spec);
      return { spec: learned ? { ...spec, encoder: `${spec.encoder}@random${seed}` } : spec, scale };
    });
    return { id: `${found.id}@random${seed}`, parts };
  }
  if (!('architecture' in found)) {
    throw new InputError(`loadEncoder: ${trained} has no weights that could be random; leave @random out`);
  }
  const architecture = found.architecture.untrained ?? found.architecture;
  return { id: `${found.id}@random${seed}`, architecture, weights: randomWeights(architecture, Number(seed || 0)) };
}

/** Loads an encoder. @throws InputError if the name is unknown or its weights are not there. */
export async function loadEncoder(spec: EncoderSpec): Promise<Encoder> {
  const found = findEncoder(spec);
  if ('settings' in found) return createSpectral(found.id, found.settings);
  const { encoder: _name, hints: _hints, ...runtime } = spec;
  if ('onnx' in found) return loadOnnxEncoder(found.onnx, runtime);
  if ('parts' in found) {
    const parts: FusedPart[] = [];
    for (const { spec: part, scale } of found.parts) parts.push({ encoder: await loadEncoder(part), scale });
    return createFused(found.id, parts);
  }
  return buildEncoder(found.id, found.architecture, found.weights, runtime);
}

/**
 * Name and fingerprint of an encoder, without preparing it to run: a check before the work.
 * @throws InputError as `loadEncoder`
 */
export async function identifyEncoder(spec: EncoderSpec): Promise<Pick<Encoder, 'id' | 'fingerprint'>> {
  const found = findEncoder(spec);
  if ('settings' in found) {
    const { id, fingerprint } = createSpectral(found.id, found.settings);
    return { id, fingerprint };
  }
  if ('onnx' in found) {
    const { id, fingerprint } = identifyOnnx(found.onnx);
    return { id, fingerprint };
  }
  if ('parts' in found) {
    const known = await Promise.all(found.parts.map(({ spec: part }) => identifyEncoder(part)));
    return { id: found.id, fingerprint: fusedFingerprint(found.parts.map(({ scale }, i) => ({ ...known[i], scale }))) };
  }
  const { id, architecture, weights } = found;
  return { id, fingerprint: await fingerprintWeights(id, architecture, weights) };
}

/**
 * Number of trained values: 0 for the spectral encoders, of an ONNX model what its settings say or its floating-point
 * initialisers; undefined for a quantised one whose settings do not say.
 * @throws InputError as `loadEncoder`
 */
export async function countParameters(spec: EncoderSpec): Promise<number | undefined> {
  const found = findEncoder(spec);
  if ('settings' in found) return 0;
  if ('onnx' in found) return identifyOnnx(found.onnx).parameters;
  if ('parts' in found) {
    const counts = await Promise.all(found.parts.map(({ spec: part }) => countParameters(part)));
    return counts.some((count) => count === undefined) ? undefined : counts.reduce((sum, n) => Number(sum) + Number(n));
  }
  return found.architecture.parameters ?? parameterCount(parameterShapes(found.architecture));
}
