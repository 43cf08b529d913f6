// The JSON beside an ONNX model: what the model must be fed, and which part of its output is the embedding.
import { z } from 'zod';
import { InputError } from '../signal/errors.ts';
import type { KaldiFbankOptions } from '../signal/kaldi-fbank.ts';
import type { WindowRule } from './windows.ts';

const positive = z.number().positive();
const count = z.int().min(1);

const kaldiOptions = {
  mels: count.optional(),
  frameLength: positive.optional(),
  frameShift: positive.optional(),
  window: z.enum(['povey', 'hanning', 'hamming']).optional(),
  preemphasis: z.number().optional(),
  removeDcOffset: z.boolean().optional(),
  lowFreq: z.number().min(0).optional(),
  highFreq: z.number().optional(),
  snipEdges: z.boolean().optional(),
  useEnergy: z.boolean().optional(),
  htkCompat: z.boolean().optional(),
  usePower: z.boolean().optional(),
  useLog: z.boolean().optional(),
} satisfies Record<keyof KaldiFbankOptions, z.ZodType>;

const scale = z.number().refine((value) => value !== 0, 'expected a factor other than 0');

const frontEnds = {
  waveform: z.strictObject({ kind: z.literal('waveform'), scale: scale.optional() }),
  kaldi: z.strictObject({
    kind: z.literal('kaldi'),
    ...kaldiOptions,
    scale: scale.optional(),
    mean: z.number().optional(),
    deviation: positive.optional(),
    frames: count.optional(),
    order: z.enum(['normalise-first', 'pad-first']).optional(),
  }),
  beats: z.strictObject({ kind: z.literal('beats') }),
  eat: z.strictObject({ kind: z.literal('eat'), frames: count.optional() }),
};

const windowRule = z.strictObject({
  seconds: positive,
  remainder: z.number().min(0).max(1).default(0),
  pad: z.boolean().default(false),
  removeMean: z.enum(['recording', 'window']).optional(),
  negativeStart: z.boolean().optional(),
} satisfies Record<keyof WindowRule, z.ZodType>);

const settingsSchema = z.strictObject({
  rate: positive.optional(),
  input: z.string().min(1).optional(),
  output: z.string().min(1).optional(),
  frontEnd: z.discriminatedUnion('kind', [frontEnds.waveform, frontEnds.kaldi, frontEnds.beats, frontEnds.eat], {
    error: ({ code }) =>
      code === 'invalid_union' ? `expected one of ${Object.keys(frontEnds).join(', ')}` : undefined,
  }),
  shape: z.array(z.enum(['1', 'samples', 'frames', 'mels'])).min(1),
  pooling: z.enum(['none', 'mean', 'first', 'last']),
  skipTokens: z.int().min(0).optional(),
  window: windowRule.optional(),
  minSeconds: positive.optional(),
  parameters: z.int().min(0).optional(),
  /** What `thrum export` says of how the file was made; nothing that is heard depends on it. */
  export: z.record(z.string(), z.unknown()).optional(),
});

/** How an ONNX model is heard; docs/encoders.md lists every key. */
export type OnnxSettings = z.infer<typeof settingsSchema>;
type FrontEnds = { [Kind in keyof typeof frontEnds]: z.infer<(typeof frontEnds)[Kind]> };
export type WaveformFrontEnd = FrontEnds['waveform'];
export type KaldiFrontEnd = FrontEnds['kaldi'];

/** The least that must be said: shown where the file is missing. */
export const SETTINGS_EXAMPLE =
  '{ "rate": 16000, "frontEnd": { "kind": "waveform" }, "shape": ["1", "samples"], "pooling": "none" }';

/** Rate that the front ends of BEATs and EAT are made for, Hz. */
const SHORTCUT_RATE = 16000;

/**
 * Front ends with a model's name as what they are: those of BEATs (commit 768a3c8) and EAT (commit 06c1c34, AudioSet).
 * EAT's subtraction of the mean is left out: every frame loses its own.
 */
export function plainFrontEnd(frontEnd: OnnxSettings['frontEnd']): WaveformFrontEnd | KaldiFrontEnd {
  if (frontEnd.kind === 'beats') {
    return { kind: 'kaldi', mels: 128, scale: 32768, mean: 15.41663, deviation: 2 * 6.55582 };
  }
  if (frontEnd.kind === 'eat') {
    const { frames = 1024 } = frontEnd;
    return {
      kind: 'kaldi',
      mels: 128,
      window: 'hanning',
      mean: -4.268,
      deviation: 2 * 4.569,
      frames,
      order: 'pad-first',
    };
  }
  return frontEnd;
}

/** The keys that the object at `path` may have. */
function knownKeys(path: readonly PropertyKey[], value: unknown): string[] {
  if (path[0] === 'window') return Object.keys(windowRule.shape);
  if (path[0] !== 'frontEnd') return Object.keys(settingsSchema.shape);
  const { kind } = (value as { frontEnd: { kind: keyof typeof frontEnds } }).frontEnd;
  return Object.keys(frontEnds[kind].shape);
}

type Problem = { key: string; problem: string };

/** An unknown key goes first: a misspelt one is missing under its true name, too. */
function firstProblem({ issues }: z.core.$ZodError, value: unknown): Problem {
  const issue = issues.find(({ code }) => code === 'unrecognized_keys') ?? issues[0];
  const key = issue.path.join('.');
  if (issue.code !== 'unrecognized_keys') return { key: key || 'settings', problem: issue.message };
  const unknown = [...issue.path, issue.keys[0]].join('.');
  return { key: unknown, problem: `unknown key; the known ones are ${knownKeys(issue.path, value).join(', ')}` };
}

/** What each key alone may say, but not together with another. */
function findConflict({ rate, frontEnd, shape, pooling, skipTokens }: OnnxSettings): Problem | undefined {
  const wanted = frontEnd.kind === 'waveform' ? ['samples'] : ['frames', 'mels'];
  const named = shape.filter((word) => word !== '1');
  if (named.length !== wanted.length || !wanted.every((word) => named.some((name) => name === word))) {
    return {
      key: 'shape',
      problem: `expected ${wanted.map((word) => `"${word}"`).join(' and ')} once each and otherwise "1" for the front end ${frontEnd.kind}, got ${JSON.stringify(shape)}`,
    };
  }
  if ((frontEnd.kind === 'beats' || frontEnd.kind === 'eat') && rate !== SHORTCUT_RATE) {
    return {
      key: 'rate',
      problem: `expected ${SHORTCUT_RATE} for the front end ${frontEnd.kind}, got ${rate ?? 'none'}; describe another as kind kaldi`,
    };
  }
  if (skipTokens !== undefined && pooling !== 'mean') {
    return { key: 'skipTokens', problem: `expected the pooling mean beside it, got ${pooling}; leave one out` };
  }
  return undefined;
}

function parseJson(json: string, file: string): unknown {
  try {
    return JSON.parse(json);
  } catch (error) {
    throw new InputError(`${file}: expected JSON such as ${SETTINGS_EXAMPLE}: ${(error as Error).message}`);
  }
}

/** Whether it is what `thrum export` writes where the front end is none of `frontEnds`. */
const isDescription = (value: unknown): boolean =>
  typeof value === 'object' && value !== null && 'inputs' in value && 'export' in value;

/**
 * The settings in a JSON text; nothing in it is passed over.
 * @param file its path, which every error names beside the key
 * @throws InputError for text that is no JSON, unknown or missing keys, wrong values, and keys that contradict each other.
 */
export function parseOnnxSettings(json: string, file: string): OnnxSettings {
  const value = parseJson(json, file);
  if (isDescription(value)) {
    throw new InputError(
      `${file}: describes the inputs of a network whose front end --encoder cannot make; use the weights it was exported from, or a .safetensors export`,
    );
  }
  const parsed = settingsSchema.safeParse(value, {
    error: ({ input, path }) => (input === undefined && path?.length ? 'is missing' : undefined),
  });
  const found = parsed.success ? findConflict(parsed.data) : firstProblem(parsed.error, value);
  if (found) throw new InputError(`${file}: ${found.key}: ${found.problem}`);
  if (!parsed.success) throw parsed.error;
  return parsed.data;
}
