// The file of a trained baseline: one safetensors file whose header holds the settings as JSON. Versioned, no code inside.
import { z } from 'zod';
import { readSafetensors, writeSafetensors } from '../../graph/safetensors.ts';
import { type StoredTensor, toFloat32 } from '../../graph/stored-tensor.ts';
import { parametersOf } from '../../nn/parameters.ts';
import { InputError } from '../../signal/errors.ts';
import type { AutoencoderModel } from './autoencoder.ts';
import { autoencoderScoring } from './autoencoder-graph.ts';
import { type MobileNetModel, mobileNetScoring } from './mobilenet.ts';
import { MELS } from './windows.ts';

/** Raised when a file written by this version cannot be read by the one before. */
const VERSION = 1;

const AUTOENCODER = 'thrum-autoencoder';
const MOBILENET = 'thrum-mobilenet';

const common = { version: z.literal(VERSION), sampleRate: z.number().positive() };

const autoencoderSchema = z.object({
  format: z.literal(AUTOENCODER),
  ...common,
  padding: z.enum(['constant', 'reflect']),
  thresholds: z.object({
    mse: z.number(),
    mahalanobis: z.object({ official: z.number(), conventional: z.number() }),
  }),
});

const mobileNetSchema = z
  .object({
    format: z.literal(MOBILENET),
    ...common,
    classes: z.int().min(2),
    names: z.array(z.string()).optional(),
    threshold: z.number(),
  })
  .refine(({ classes, names }) => names === undefined || names.length === classes, {
    path: ['names'],
    message: 'expected a name for every class',
  });

type Shapes = ReadonlyMap<string, readonly number[]>;

const autoencoderShapes = (): Shapes => parametersOf([autoencoderScoring().reconstruction]);
const mobileNetShapes = (classes: number): Shapes => parametersOf([mobileNetScoring(classes)]);

function parameterTensors(parameters: ReadonlyMap<string, Float32Array>, shapes: Shapes): Map<string, StoredTensor> {
  return new Map(
    Array.from(shapes, ([name, shape]) => [
      name,
      { dtype: 'F32', shape: [...shape], data: parameters.get(name) as Float32Array },
    ]),
  );
}

/** The bytes of an autoencoder's file: tensors by the names of the official state dict, covariances included (float64). */
export function writeAutoencoder(model: AutoencoderModel): Uint8Array {
  const { sampleRate, padding, thresholds, parameters, covariances } = model;
  const settings: z.infer<typeof autoencoderSchema> = {
    format: AUTOENCODER,
    version: VERSION,
    sampleRate,
    padding,
    thresholds,
  };
  const tensors = parameterTensors(parameters, autoencoderShapes());
  for (const domain of ['source', 'target'] as const) {
    tensors.set(`cov_${domain}`, { dtype: 'F64', shape: [MELS, MELS], data: covariances[domain] });
  }
  return writeSafetensors(tensors, { thrum: JSON.stringify(settings) });
}

/** The bytes of a MobileNetV2 classifier's file: tensors by torchvision's names. */
export function writeMobileNet({ sampleRate, classes, names, parameters, threshold }: MobileNetModel): Uint8Array {
  const settings: z.infer<typeof mobileNetSchema> = {
    format: MOBILENET,
    version: VERSION,
    sampleRate,
    classes,
    ...(names && { names: [...names] }),
    threshold,
  };
  const tensors = parameterTensors(parameters, mobileNetShapes(classes));
  return writeSafetensors(tensors, { thrum: JSON.stringify(settings) });
}

function parseJson(json: string | undefined): unknown {
  try {
    return json === undefined ? undefined : JSON.parse(json);
  } catch {
    return undefined;
  }
}

/** Tensors and settings of a file of format `format`. */
function openFile<T>(caller: string, bytes: Uint8Array, name: string, format: string, schema: z.ZodType<T>) {
  const { tensors, metadata } = readSafetensors(bytes, name);
  const value = parseJson(metadata.thrum);
  const head = z.object({ format: z.string(), version: z.number() }).safeParse(value);
  if (!head.success || head.data.format !== format) {
    const found = head.success ? head.data.format : 'a safetensors file of another kind';
    throw new InputError(`${caller}: expected ${format} in ${name}, found ${found}; train a baseline to make one`);
  }
  if (head.data.version > VERSION) {
    throw new InputError(
      `${caller}: ${name} has version ${head.data.version}, this Thrum reads up to ${VERSION}; update Thrum`,
    );
  }
  const fail = (problem: string) =>
    new InputError(`${caller}: ${name}: ${problem}; the file is damaged, train the baseline again`);
  const parsed = schema.safeParse(value);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw fail(`${['settings', ...issue.path].join('.')}: ${issue.message}`);
  }
  /** A tensor of this type and shape, all of whose values are finite. */
  const find = (key: string, dtype: 'F32' | 'F64', shape: readonly number[]): StoredTensor => {
    const tensor = tensors.get(key);
    if (tensor?.dtype !== dtype || tensor.shape.join() !== shape.join()) {
      const found = tensor ? `${tensor.dtype} [${tensor.shape.join(', ')}]` : 'none';
      throw fail(`expected ${key} as ${dtype} [${shape.join(', ')}], found ${found}`);
    }
    const bad = (tensor.data as Float32Array).findIndex((number) => !Number.isFinite(number));
    if (bad >= 0) throw fail(`expected finite values in ${key}, found ${tensor.data[bad]} at ${bad}`);
    return tensor;
  };
  const parameters = (shapes: Shapes) =>
    new Map(Array.from(shapes, ([key, shape]) => [key, toFloat32(find(key, 'F32', shape))]));
  return { settings: parsed.data, find, parameters };
}

/**
 * Reads an autoencoder's file.
 * @throws InputError if it is no autoencoder, of a newer version, or damaged (settings, types, shapes, values).
 */
export function readAutoencoder(bytes: Uint8Array, name = 'autoencoder'): AutoencoderModel {
  const file = openFile('readAutoencoder', bytes, name, AUTOENCODER, autoencoderSchema);
  const { sampleRate, padding, thresholds } = file.settings;
  const covariance = (domain: string) => file.find(`cov_${domain}`, 'F64', [MELS, MELS]).data as Float64Array;
  return {
    sampleRate,
    padding,
    thresholds,
    parameters: file.parameters(autoencoderShapes()),
    covariances: { mels: MELS, source: covariance('source'), target: covariance('target') },
  };
}

/**
 * Reads a MobileNetV2 classifier's file.
 * @throws InputError if it is no such classifier, of a newer version, or damaged (settings, types, shapes, values).
 */
export function readMobileNet(bytes: Uint8Array, name = 'MobileNetV2 classifier'): MobileNetModel {
  const file = openFile('readMobileNet', bytes, name, MOBILENET, mobileNetSchema);
  const { sampleRate, classes, names, threshold } = file.settings;
  return {
    sampleRate,
    classes,
    ...(names && { names }),
    threshold,
    parameters: file.parameters(mobileNetShapes(classes)),
  };
}
