// ONNX models as files: model.onnx, and model.json beside it.
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { basename, extname } from 'node:path';
import { inspectOnnx, type OnnxInterface } from '../graph/onnx-inspect.ts';
import { loadProgram } from '../graph/program.node.ts';
import type { RuntimeOptions } from '../graph/runtime.ts';
import { InputError } from '../signal/errors.ts';
import { systemCode, systemReason } from '../signal/system-error.node.ts';
import { createOnnxEncoder, matchInterface, type OnnxPorts } from './onnx-encoder.ts';
import { type OnnxSettings, parseOnnxSettings, SETTINGS_EXAMPLE } from './onnx-settings.ts';
import type { Encoder } from './types.ts';

/** model.onnx -> model.json */
const settingsPath = (path: string): string => `${path.slice(0, path.length - extname(path).length)}.json`;

function readSettings(path: string): { file: string; settings: OnnxSettings } {
  const file = settingsPath(path);
  let json: string;
  try {
    json = readFileSync(file, 'utf8');
  } catch (error) {
    if (systemCode(error) !== 'ENOENT') throw new InputError(`${file}: cannot be read: ${systemReason(error)}`);
    throw new InputError(
      `${file}: expected a JSON file beside ${basename(path)} that says what the model is fed, found none; the least is ${SETTINGS_EXAMPLE} (docs/encoders.md lists the keys)`,
    );
  }
  return { file, settings: parseOnnxSettings(json, file) };
}

function readModel(path: string): Uint8Array {
  try {
    return readFileSync(path);
  } catch (error) {
    throw new InputError(`${path}: cannot be read: ${systemReason(error)}`);
  }
}

type OnnxFile = {
  id: string;
  bytes: Uint8Array;
  file: string;
  settings: OnnxSettings;
  model: OnnxInterface;
  ports: OnnxPorts;
};

/** Model and settings, checked against each other; nothing is run. */
function readOnnx(path: string): OnnxFile {
  const { file, settings } = readSettings(path);
  const bytes = readModel(path);
  const model = inspectOnnx(bytes, path);
  if (model.externalFiles.length > 0) {
    throw new InputError(
      `${path}: expected the weights inside the model, but they are in ${model.externalFiles.join(', ')}; save it as one file (onnx.save_model with save_as_external_data=False)`,
    );
  }
  try {
    return { id: basename(path), bytes, file, settings, model, ports: matchInterface(model, settings) };
  } catch (error) {
    throw error instanceof InputError ? new InputError(`${file}: ${error.message}`) : error;
  }
}

/** SHA-256 over the settings that change embeddings, in the order of the schema, and the bytes of the model. */
function fingerprintOf({ bytes, settings }: OnnxFile): string {
  const { parameters: _count, minSeconds: _shortest, export: _made, ...heard } = settings;
  const digest = createHash('sha256').update(JSON.stringify(heard)).update('\n').update(bytes).digest('hex');
  return `onnx:${digest.slice(0, 32)}`;
}

/**
 * Loads `model.onnx` with `model.json` beside it as an encoder; its id is the name of the file.
 * @throws InputError that names the file, and the key of the settings at fault.
 */
export async function loadOnnxEncoder(path: string, runtime: RuntimeOptions = {}): Promise<Encoder> {
  const found = readOnnx(path);
  const { id, file, settings, ports, bytes } = found;
  let program: Awaited<ReturnType<typeof loadProgram>>;
  try {
    program = await loadProgram(bytes, runtime);
  } catch (error) {
    throw error instanceof InputError ? new InputError(`${path}: ${error.message}`) : error;
  }
  return createOnnxEncoder({ id, fingerprint: fingerprintOf(found), file, settings, ports, program });
}

/** Name and fingerprint, and the parameters if they can be counted, without a session. @throws InputError as `loadOnnxEncoder` */
export function identifyOnnx(path: string): { id: string; fingerprint: string; parameters: number | undefined } {
  const found = readOnnx(path);
  const parameters = found.settings.parameters ?? found.model.parameters;
  return { id: found.id, fingerprint: fingerprintOf(found), parameters };
}
