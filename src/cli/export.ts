// thrum export: an encoder as a file for other programs and small machines, judged before it is written.
import { readFileSync } from 'node:fs';
import { basename, extname } from 'node:path';
import { goldenBytes, goldenPathOf } from '../edge/golden-file.ts';
import { EXPORT_FORMATS, type ExportFormat, type MadeExport, makeExport } from '../edge/make-export.ts';
import { DEFAULT_TOLERANCE, qualityLine } from '../edge/quality-gate.ts';
import { VERIFY_TOLERANCE, verifyExport } from '../edge/verify.node.ts';
import { loadWeights, weightsFor } from '../encoders/load.node.ts';
import { modelPage } from '../report/model-page/page.node.ts';
import { InputError } from '../signal/errors.ts';
import { type Command, choice, flag, number, type Options, required, text, UsageError } from './command.ts';
import { exportRecordings } from './export-recordings.ts';
import { checkWritable, note, print, writeFileSafely, writeFilesTogether } from './output.ts';
import { channelOptionSpec, readOptionSpecs } from './recording-options.ts';
import { version } from './version.ts';

/** What is written: the formats of models, and a page that runs one. */
const FORMATS = [...EXPORT_FORMATS, 'page'] as const;

const endings: Record<(typeof FORMATS)[number], string> = {
  onnx: '.onnx',
  'onnx-fp16': '.onnx',
  'onnx-int8': '.onnx',
  'safetensors-int8': '.safetensors',
  c: '.c',
  page: '.html',
};

/** model.onnx -> model.json */
const settingsPathOf = (out: string): string => `${out.slice(0, out.length - extname(out).length)}.json`;

/** A file's name as the beginning of C names. */
function cName(out: string): string {
  const word = basename(out, extname(out)).replace(/[^A-Za-z0-9_]/g, '_');
  return /^[A-Za-z]/.test(word) ? word : `m_${word}`;
}

const formatBytes = (bytes: number): string =>
  bytes < 1e6 ? `${(bytes / 1e3).toFixed(1)} kB` : `${(bytes / 1e6).toFixed(2)} MB`;

async function verify(path: string, options: Options, json: boolean): Promise<number> {
  const tolerance = number(options, 'tolerance', { min: 0 }) ?? VERIFY_TOLERANCE;
  const { ran, output, difference } = await verifyExport(path, tolerance);
  if (json) print(JSON.stringify({ verified: path, ran, output, difference }));
  else if (ran === 'skipped') note(`${path} was not verified: there is no C compiler (cc) on this machine`);
  else print(`${path}: as the golden numbers (largest difference ${difference.toPrecision(3)}, in ${output})`);
  return 0;
}

/** What is asked for, checked before any work. */
function requestFrom(options: Options) {
  const format = choice(options, 'format', FORMATS);
  if (format === undefined) throw new UsageError(`expected --format, one of ${FORMATS.join(', ')}`);
  const out = required(options, 'out', 'FILE');
  if (extname(out).toLowerCase() !== endings[format]) {
    throw new UsageError(`--out: expected a name ending in ${endings[format]} for ${format}, got ${out}`);
  }
  const activations = choice(options, 'activations', ['float', 'int8']);
  if (activations !== undefined && format !== 'onnx-int8') {
    throw new UsageError(`--activations: expected --format onnx-int8 beside it, got ${format}`);
  }
  const sampleRate = number(options, 'sample-rate', { above: 0 });
  const tolerance = number(options, 'tolerance', { min: 0 }) ?? DEFAULT_TOLERANCE;
  const made = {
    ...{ format, tolerance, force: flag(options, 'force'), name: cName(out) },
    ...(activations && { activations }),
    ...(sampleRate !== undefined && { sampleRate }),
  };
  return { out, made };
}

type Request = Omit<ReturnType<typeof requestFrom>['made'], 'format'> & { format: ExportFormat };

/** A page with the weights of an encoder inside. */
function writePage(encoder: string, out: string, json: boolean): number {
  const file = weightsFor(encoder);
  if (file === undefined || extname(file) !== '.safetensors') {
    throw new InputError(
      `export: expected the weights of an encoder in a safetensors file for a page, got ${encoder}; import them with thrum models import`,
    );
  }
  const weights = readFileSync(file);
  const content = modelPage({ weights, title: basename(file, '.safetensors'), version: version() });
  writeFileSafely(out, content);
  const bytes = Buffer.byteLength(content);
  if (json) print(JSON.stringify({ out, encoder, format: 'page', bytes }));
  else print(`${out}: ${encoder} as a page, ${formatBytes(bytes)}; open it in a browser`);
  return 0;
}

/** What the settings say of how the file was made. */
function recordOf(encoder: string, request: Request, { quality, forced }: MadeExport, bytes: number) {
  const { format, activations = 'float', tolerance } = request;
  const how = format === 'onnx-int8' ? { format, activations } : { format };
  return { encoder, ...how, bytes, ...(quality && { quality, tolerance }), ...(forced && { forced }) };
}

async function run([encoder, ...more]: string[], options: Options): Promise<number> {
  const json = flag(options, 'json');
  const verifies = flag(options, 'verify');
  if (encoder === undefined) throw new UsageError('expected an encoder, or with --verify a file that was exported');
  if (verifies && text(options, 'format') === undefined && text(options, 'out') === undefined) {
    if (more.length > 0) throw new UsageError(`--verify: expected one file, got ${more.length + 1}`);
    return verify(encoder, options, json);
  }
  const { out, made } = requestFrom(options);
  if (made.format === 'page') {
    checkWritable(out);
    return writePage(encoder, out, json);
  }
  const request: Request = { ...made, format: made.format };
  const paths = { settings: settingsPathOf(out), golden: goldenPathOf(out) };
  const source = loadWeights({ encoder });
  for (const path of [out, paths.settings, paths.golden]) checkWritable(path);
  const named = text(options, 'calibrate');
  const recordings = await exportRecordings([...(named === undefined ? [] : [named]), ...more], options);
  const result = await makeExport(source, request, recordings);
  const content = typeof result.content === 'string' ? new TextEncoder().encode(result.content) : result.content;
  const record = recordOf(source.id, request, result, content.length);
  writeFilesTogether([
    [paths.golden, goldenBytes(result.golden)],
    [paths.settings, `${JSON.stringify({ ...result.settings, export: record }, null, 2)}\n`],
    [out, content],
  ]);
  if (json) print(JSON.stringify({ out, settings: paths.settings, golden: paths.golden, ...record }));
  else {
    print(`${out}: ${source.id} as ${request.format}, ${formatBytes(content.length)}`);
    if (result.quality) print(qualityLine(result.quality));
  }
  if (result.forced) note(`it loses more than the tolerance of ${request.tolerance}; written because of --force`);
  return verifies ? verify(out, {}, json) : 0;
}

export const exportCommand: Command = {
  summary: 'write an encoder as ONNX or C, in 32, 16 or 8 bits, for other programs and small machines',
  usage: 'ENCODER --format F --out FILE [--calibrate FILES…] [options]  |  --verify FILE',
  details: [
    'Beside FILE stand a JSON (what the model is fed, and what the export loses) and golden numbers, which --verify runs again.',
    'Formats other than onnx are compared with the encoder on recordings first, and not written where they lose too much.',
    'safetensors-int8 and c are for students; onnx-int8 of others has matrices in 8 bits. page: one HTML file that hears files\nand the microphone in a browser, without a server.',
  ].join('\n'),
  examples: [
    'thrum export thrum-ear --format onnx --out ear.onnx',
    'thrum export thrum-ear --format onnx-int8 --out ear.onnx --calibrate recordings/normal',
    'thrum export student.safetensors --format c --out student.c --calibrate recordings/ --verify',
    'thrum export student-int8.safetensors --format page --out student.html',
    'thrum export --verify ear.onnx',
  ],
  options: {
    format: { value: 'F', short: 'f', description: FORMATS.join(', ') },
    out: { value: 'FILE', short: 'o', description: 'file to write' },
    calibrate: { value: 'FILES…', description: 'recordings that ranges are taken from and both are compared on' },
    data: { value: 'DIR', short: 'd', description: 'the same, labelled as for finetune classify: accuracy counts' },
    labels: { value: 'TABLE', description: 'instead of --data: CSV of files with a label' },
    activations: {
      value: 'TYPE',
      description: 'of onnx-int8 for transformers: float (default), or int8, faster on CPUs and less exact',
    },
    tolerance: {
      value: 'X',
      description: `most that may be lost, of cosine or of accuracy (default ${DEFAULT_TOLERANCE})`,
    },
    force: { description: 'write it whatever it loses' },
    verify: { description: 'run the export (or FILE, an earlier one) on its golden numbers' },
    'sample-rate': { value: 'HZ', description: 'of the sensor: for C of a student that fits any rate' },
    channel: channelOptionSpec,
    ...readOptionSpecs,
    json: { description: 'print what was made as JSON' },
  },
  run,
};
