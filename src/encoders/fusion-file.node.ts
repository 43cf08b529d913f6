// Encoders heard as one, as a user names them or a file in a folder of models lists them.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { basename, dirname, extname, join } from 'node:path';
import { z } from 'zod';
import { InputError } from '../signal/errors.ts';
import { modelFolders } from './model-folders.node.ts';

const FUSION = '.json';

const fusionSchema = z.object({
  format: z.literal('thrum-fusion'),
  parts: z.array(z.object({ encoder: z.string(), scale: z.number().positive() })).min(2),
});

/** The parts of an encoder, each with what else was asked for, and their weights. */
export type Fusion<Spec> = { id: string; parts: { spec: Spec; scale: number }[] };

/**
 * Encoders heard as one: `a+b`, with equal weights, or a name under which a JSON file in a folder of models lists its
 * parts (encoders by name, or weights that lie beside it) and their weights.
 */
export function findFusion<Spec extends { encoder: string }>(spec: Spec): Fusion<Spec> | undefined {
  const { encoder } = spec;
  if (existsSync(encoder) && extname(encoder) !== FUSION) return undefined;
  if (encoder.includes('+')) {
    const names = encoder.split('+').map((part) => part.trim());
    return { id: encoder, parts: names.map((name) => ({ spec: { ...spec, encoder: name }, scale: 1 })) };
  }
  const name = basename(encoder, FUSION);
  const path = [encoder, ...modelFolders().map((folder) => join(folder, `${name}${FUSION}`))].find(
    (candidate) => extname(candidate) === FUSION && existsSync(candidate),
  );
  if (path === undefined) return undefined;
  const parsed = fusionSchema.safeParse(parsedJson(path));
  if (!parsed.success) {
    throw new InputError(
      `loadEncoder: ${path} does not list the parts of an encoder (${parsed.error.issues[0].path.join('.')}: ${parsed.error.issues[0].message}); restore it`,
    );
  }
  const parts = parsed.data.parts.map(({ encoder: part, scale }) => {
    const beside = join(dirname(path), part);
    return { spec: { ...spec, encoder: existsSync(beside) ? beside : part }, scale };
  });
  return { id: name, parts };
}

function parsedJson(path: string): unknown {
  try {
    return JSON.parse(readFileSync(path, 'utf8'));
  } catch {
    return undefined;
  }
}

/** Names under which fusions lie in the folders of models. */
export function fusedNames(): string[] {
  const files = modelFolders().flatMap((folder) => (existsSync(folder) ? readdirSync(folder) : []));
  const names = files.filter((file) => extname(file) === FUSION).map((file) => basename(file, FUSION));
  // An ONNX model has its settings in a JSON of its name.
  return [...new Set(names)].filter((name) => !files.includes(`${name}.onnx`)).sort();
}
