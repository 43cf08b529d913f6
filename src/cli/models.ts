// thrum models: the encoders there are, and how weights get here.
import { basename } from 'node:path';
import { parameterShapes, recogniseWeights } from '../encoders/build.ts';
import { publishedWeights } from '../encoders/catalogue.ts';
import type { ConfigHints } from '../encoders/config-hints.ts';
import type { Architecture } from '../encoders/family.ts';
import { findFusion, fusedNames } from '../encoders/fusion-file.node.ts';
import { importWeights, pullWeights } from '../encoders/import.node.ts';
import {
  countParameters,
  findWeights,
  importedNames,
  namedArchitectures,
  readCheckpoint,
  weightsFor,
} from '../encoders/load.node.ts';
import { identifyOnnx } from '../encoders/onnx-encoder.node.ts';
import { type SpectralConfig, spectralSettings } from '../encoders/spectral.ts';
import type { StudentConfig } from '../encoders/student-config.ts';
import { studentCost } from '../encoders/student-cost.ts';
import { parameterCount } from '../nn/parameters.ts';
import { type Command, choice, flag, InputError, number, type Options, text, UsageError } from './command.ts';
import { checkWritable, print } from './output.ts';

const millions = (count: number): string => `${(count / 1e6).toFixed(2)} M`;

type Listed = { id: string; family: string; parameters: number | null; weights: string };

/** Every encoder that --encoder knows by name. */
function listed(): Listed[] {
  const spectral = Object.keys(spectralSettings).map((id) => ({
    id,
    family: 'spectral',
    parameters: 0,
    weights: 'needs none',
  }));
  const named = [...namedArchitectures].map(([id, architecture]) => {
    const pullable = publishedWeights.some((published) => published.id === id);
    return {
      id,
      family: architecture.family,
      parameters: architecture.parameters ?? parameterCount(parameterShapes(architecture)),
      weights: findWeights(id) ?? (pullable ? 'not here; thrum models pull' : 'not published'),
    };
  });
  const imported = importedNames().map((id) => ({
    id,
    family: 'imported',
    parameters: null,
    weights: findWeights(id) ?? '',
  }));
  const fused = fusedNames().map((id) => ({ id, family: 'fusion', parameters: null, weights: 'of its parts' }));
  return [...fused, ...spectral, ...named, ...imported];
}

function list(options: Options): number {
  const models = listed();
  if (flag(options, 'json')) print(JSON.stringify(models));
  else
    for (const { id, parameters, weights } of models)
      print(`${id.padEnd(18)}${(parameters ? millions(parameters) : '-').padStart(9)}  ${weights}`);
  return 0;
}

/** What there is to know of a student; the table of its layers where a program reads it. */
function studentFacts(id: string, { family, config }: Architecture, path: string | undefined, table: boolean) {
  const { layers, ...cost } = studentCost(config as StudentConfig);
  return { id, family, config, ...cost, weights: path ?? null, ...(table && { layers }) };
}

async function info([name]: string[], options: Options): Promise<number> {
  if (name === undefined) throw new UsageError('expected a name or a weights file: thrum models info NAME');
  const settings: Record<string, SpectralConfig> = spectralSettings;
  const fusion = findFusion({ encoder: name });
  if (fusion) {
    const parts = fusion.parts.map(({ spec, scale }) => ({ encoder: basename(spec.encoder), scale }));
    const facts = { id: fusion.id, family: 'fusion', parts, parameters: await countParameters({ encoder: name }) };
    print(JSON.stringify(facts, null, flag(options, 'json') ? 0 : 2));
    return 0;
  }
  const path = weightsFor(name);
  if (settings[name]) {
    print(
      JSON.stringify({ id: name, family: 'spectral', config: settings[name] }, null, flag(options, 'json') ? 0 : 2),
    );
    return 0;
  }
  if (path?.endsWith('.onnx')) {
    print(JSON.stringify({ family: 'onnx', ...identifyOnnx(path) }, null, flag(options, 'json') ? 0 : 2));
    return 0;
  }
  const checkpoint = path ? readCheckpoint(path) : undefined;
  const architecture = checkpoint
    ? recogniseWeights(checkpoint.weights, checkpoint.hints)
    : namedArchitectures.get(name);
  if (!architecture) throw new InputError(`models info: no encoder ${name}; thrum models list shows them`);
  if (architecture.family === 'student') {
    print(
      JSON.stringify(
        studentFacts(name, architecture, path, flag(options, 'json')),
        null,
        flag(options, 'json') ? 0 : 2,
      ),
    );
    return 0;
  }
  const shapes = parameterShapes(architecture);
  const published = publishedWeights.find(({ id }) => id === name);
  const facts = {
    id: name,
    family: architecture.family,
    config: architecture.config,
    parameters: parameterCount(shapes),
    float32Bytes: 4 * parameterCount(shapes),
    weights: path ?? null,
    published: published ?? null,
  };
  print(JSON.stringify(facts, null, flag(options, 'json') ? 0 : 2));
  return 0;
}

/** How ECHO makes an embedding, where that is not the published way. */
function embeddingHints(options: Options): ConfigHints {
  const pool = text(options, 'pool');
  const levelWeight = number(options, 'level-weight', { min: 0 });
  const segmentFrames = number(options, 'segment-frames', { min: 16, integer: true });
  const tail = choice(options, 'tail', ['zeros', 'overlap']);
  return {
    ...(pool !== undefined && { pool }),
    ...(levelWeight !== undefined && { levelWeight }),
    ...(segmentFrames !== undefined && { segmentFrames }),
    ...(tail === 'overlap' && { tail }),
  };
}

async function importFile([file]: string[], options: Options): Promise<number> {
  if (file === undefined) throw new UsageError('expected a checkpoint: thrum models import FILE');
  const bandBins = number(options, 'band-bins', { min: 16, integer: true });
  const heads = number(options, 'heads', { min: 1, integer: true });
  const lengthMode = choice(options, 'length-mode', ['readme', 'rmis']);
  const hints = {
    ...(bandBins && { bandBins }),
    ...(heads && { heads }),
    ...(lengthMode && { lengthMode }),
    ...embeddingHints(options),
  };
  const name = text(options, 'name');
  if (name !== undefined && !/^[\w.-]+$/.test(name)) {
    throw new UsageError(`--name: expected letters, digits and . _ - only, got ${name}; --out takes a path`);
  }
  const out = text(options, 'out');
  if (out !== undefined) checkWritable(out);
  const result = await importWeights(file, {
    name,
    out,
    float16: flag(options, 'float16'),
    hints,
  });
  const { path, architecture, parameters, sha256, largestDifference } = result;
  print(`${path}: ${architecture.family} ${JSON.stringify(architecture.config)}, ${millions(parameters)} parameters`);
  print(
    `verified: embeds a trial signal within ${largestDifference.toExponential(1)} of the original; SHA-256 ${sha256}`,
  );
  return 0;
}

async function pull([name]: string[], options: Options): Promise<number> {
  const published = publishedWeights.find(({ id }) => id === name);
  if (!published)
    throw new UsageError(
      `expected one of ${publishedWeights.map(({ id }) => id).join(', ')}, got ${name ?? 'nothing'}`,
    );
  const result = await pullWeights(published, text(options, 'sha256'));
  print(
    `${name}: fetched from ${published.url} (SHA-256 ${result.fetched}${text(options, 'sha256') ? ', as asked for' : ', not published by its authors: note it'})`,
  );
  print(`written to ${result.path}; ${published.source}`);
  return 0;
}

export const modelsCommand: Command = {
  summary: 'list, inspect, import and fetch encoders',
  usage: 'list | info NAME|FILE | import FILE [--name NAME] | pull NAME',
  details:
    'import converts a published checkpoint (safetensors or PyTorch; only tensors are read, nothing in the file is executed),\nverifies it and puts it where --encoder finds it. pull is the only command that uses the network, and only when typed.',
  examples: [
    'thrum models list',
    'thrum models import echo_small.pth --name echo-small',
    'thrum models pull fisher-tiny',
  ],
  options: {
    name: { value: 'NAME', description: 'name to import under (echo-small makes `--encoder echo-small` work)' },
    out: { value: 'FILE', short: 'o', description: 'write the imported weights here instead' },
    float16: { description: 'store 16-bit floats: half the size' },
    heads: { value: 'N', description: 'attention heads, if not width / 64' },
    'band-bins': { value: 'N', description: 'bins of a FISHER band (50 or 100), if the file does not say' },
    'length-mode': { value: 'M', description: 'FISHER: readme (default) or rmis (padded to 1024 frames)' },
    pool: { value: 'LIST', description: 'ECHO: means over time in place of CLS: block:weight,… (0: patches)' },
    'level-weight': { value: 'X', description: 'ECHO without levels: weight of the level as a feature of its own' },
    'segment-frames': { value: 'N', description: 'ECHO: frames read at once (default 2000)' },
    tail: { value: 'NAME', description: 'ECHO: zeros (default) or overlap where frames do not fill a patch' },
    sha256: { value: 'HEX', description: 'pull: refuse any other file' },
    json: { description: 'print JSON' },
  },
  async run([action, ...rest], options) {
    if (action === 'list' || action === undefined) return list(options);
    if (action === 'info') return info(rest, options);
    if (action === 'import') return importFile(rest, options);
    if (action === 'pull') return pull(rest, options);
    throw new UsageError(`expected list, info, import or pull, got ${action}`);
  },
};
