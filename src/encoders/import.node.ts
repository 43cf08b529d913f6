// Published checkpoints become Thrum's own weight files: checked, converted, and tried once before they are kept.

import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { writeSafetensors } from '../graph/safetensors.ts';
import { fromFloat32AsF16, type StoredTensor, toFloat32 } from '../graph/stored-tensor.ts';
import { parameterCount } from '../nn/parameters.ts';
import { InputError } from '../signal/errors.ts';
import { buildEncoder, parameterShapes, recogniseWeights } from './build.ts';
import type { PublishedWeights } from './catalogue.ts';
import type { ConfigHints } from './config-hints.ts';
import type { Architecture } from './family.ts';
import { readCheckpoint } from './load.node.ts';
import { userModelFolder } from './model-folders.node.ts';

export type ImportOptions = {
  /** Name under which `--encoder` finds it; by default that of the file. */
  name?: string;
  /** Where to write; by default the user's folder of models. */
  out?: string;
  hints?: ConfigHints;
  /** Store 16-bit floats: half the size. */
  float16?: boolean;
};

export type Imported = {
  path: string;
  architecture: Architecture;
  parameters: number;
  sha256: string;
  /** Largest difference of an embedding from that with the original numbers; above 0 only for float16. */
  largestDifference: number;
};

export const sha256Of = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

/** One second of a chirp with noise: every band has something to hear. */
function trialSignal(): Float32Array {
  let state = 1;
  return Float32Array.from({ length: 16000 }, (_, i) => {
    state = (state * 48271) % 2147483647;
    return 0.5 * Math.sin(0.0001 * i * i) + 0.1 * (state / 2147483647 - 0.5);
  });
}

/**
 * Converts a checkpoint and verifies the result: every tensor is there and finite, and the converted file embeds a trial
 * signal as the original does (1e-5; for float16 the difference is reported).
 * @throws InputError if the file is no known checkpoint or the trial fails.
 */
export async function importWeights(file: string, options: ImportOptions = {}): Promise<Imported> {
  const { weights, hints: allHints } = readCheckpoint(file, options.hints);
  const architecture = recogniseWeights(weights, allHints);
  const shapes = parameterShapes(architecture);
  const name = options.name ?? basename(file).replace(/\.(safetensors|pth?|bin|ckpt)$/, '');
  const kept = new Map<string, StoredTensor>();
  for (const [key, tensor] of weights) {
    if (!shapes.has(key) && !key.includes('positional_encoder')) continue;
    if (/^[IU]\d/.test(tensor.dtype)) {
      // Whole numbers of 8 and 32 bits: what an int8 student is.
      kept.set(key, tensor);
      continue;
    }
    const data = toFloat32(tensor);
    kept.set(
      key,
      options.float16 ? fromFloat32AsF16(data, tensor.shape) : { dtype: 'F32', shape: [...tensor.shape], data },
    );
  }
  const trial = { channels: [trialSignal()], sampleRate: 16000, name: 'trial signal' };
  const before = await buildEncoder(name, architecture, weights);
  // An int8 student's graph is made of its tensors, so that what is kept must be recognised by itself.
  const after = await buildEncoder(name, recogniseWeights(kept, allHints), kept);
  const [a, b] = [await before.embed(trial), await after.embed(trial)];
  await Promise.all([before.release(), after.release()]);
  const largestDifference = a.vector.reduce((largest, value, i) => Math.max(largest, Math.abs(value - b.vector[i])), 0);
  if (!a.vector.every(Number.isFinite) || (!options.float16 && largestDifference > 1e-5)) {
    throw new InputError(
      `importWeights: ${file}: a trial signal is embedded ${largestDifference} apart from the original; not imported`,
    );
  }
  const thrum = JSON.stringify({
    family: architecture.family,
    config: architecture.config,
    hints: allHints,
    importedFrom: basename(file),
  });
  const bytes = writeSafetensors(kept, { thrum });
  const path = options.out ?? join(userModelFolder(), `${name}.safetensors`);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(`${path}.tmp`, bytes);
  renameSync(`${path}.tmp`, path);
  return {
    path,
    architecture,
    parameters: architecture.parameters ?? parameterCount(shapes),
    sha256: sha256Of(readFileSync(path)),
    largestDifference,
  };
}

/**
 * Fetches published weights, checks them, and imports them.
 * @throws InputError when offline, when the server refuses, or when the checksum differs.
 */
export async function pullWeights(
  published: PublishedWeights,
  sha256: string | undefined,
): Promise<Imported & { fetched: string }> {
  const expected = sha256 ?? published.sha256;
  let bytes: Uint8Array;
  try {
    const response = await fetch(published.url);
    if (!response.ok)
      throw new InputError(
        `models pull: ${published.url} answered ${response.status} ${response.statusText}; try later, or fetch it by hand and use thrum models import`,
      );
    bytes = new Uint8Array(await response.arrayBuffer());
  } catch (error) {
    if (error instanceof InputError) throw error;
    throw new InputError(
      `models pull: ${published.url} could not be reached (this machine seems to be offline); fetch the file elsewhere, then: thrum models import FILE --name ${published.id}`,
    );
  }
  const fetched = sha256Of(bytes);
  if (expected !== undefined && fetched !== expected.toLowerCase()) {
    throw new InputError(
      `models pull: expected SHA-256 ${expected}, got ${fetched}; the file is not what was asked for, and was not kept`,
    );
  }
  const folder = userModelFolder();
  mkdirSync(folder, { recursive: true });
  const temporary = join(folder, `${published.id}.download.tmp`);
  try {
    writeFileSync(temporary, bytes);
    return { ...(await importWeights(temporary, { name: published.id })), fetched };
  } finally {
    rmSync(temporary, { force: true });
  }
}
