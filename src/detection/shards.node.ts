// A detector of many machines: a folder with an index, and a detector file for each machine, read when it is needed.
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { InputError } from '../signal/errors.ts';
import { systemReason } from '../signal/system-error.node.ts';
import { createByteCache } from './byte-cache.ts';
import type { Detector } from './detector.ts';
import { readDetector, writeDetector } from './detector-file.ts';
import { createDiagnoser } from './diagnose.ts';
import { createScorer } from './score.ts';
import type { Judges } from './score-files.node.ts';

export const SHARD_INDEX = 'index.json';
const MACHINE = /^[A-Za-z0-9_-][A-Za-z0-9._-]{0,63}$/;

const shardSchema = z.object({
  sha256: z.string().regex(/^[0-9a-f]{64}$/),
  bytes: z.int().min(1),
  segments: z.int().min(1),
  signal: z.object({
    sampleRate: z.number().positive(),
    channel: z.union([z.int().min(0), z.enum(['mean', 'all'])]),
    segmentSeconds: z.number().positive().nullable(),
  }),
});
const indexSchema = z.object({
  format: z.literal('thrum-shards'),
  version: z.literal(1),
  encoder: z.object({ id: z.string(), fingerprint: z.string(), file: z.string().optional() }),
  machines: z.record(z.string().regex(MACHINE), shardSchema),
});
type Index = z.infer<typeof indexSchema>;

/** What the index says of a machine, without reading its file. `sha256` and `bytes` are of its file `MACHINE.thrum`. */
export type Shard = z.infer<typeof shardSchema>;

export type Shards = {
  encoder: Detector['encoder'];
  machines: ReadonlyMap<string, Shard>;
  /** Read where it is not in memory. @throws InputError for a machine that has none, and a file that is not as written */
  judges(machine: string): Promise<Judges>;
  detector(machine: string): Promise<Detector>;
  /** Bytes that those in memory take. */
  held(): number;
};

/** Where those read last may stay in memory. */
export const SHARD_BYTES = 2 ** 28;

const fileOf = (folder: string, machine: string): string => join(folder, `${machine}.thrum`);
const sha256Of = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

function save(path: string, content: Uint8Array | string): void {
  const temporary = `${path}.${process.pid}.tmp`;
  try {
    writeFileSync(temporary, content);
    renameSync(temporary, path);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw new InputError(
      `writeShards: cannot write ${path}: ${systemReason(error)}; mend that, or name another folder`,
    );
  }
}

/** Whether a path is a detector of many machines. */
export const isSharded = (path: string): boolean =>
  statSync(path, { throwIfNoEntry: false })?.isDirectory() === true && existsSync(join(path, SHARD_INDEX));

/**
 * Starts a folder of shards. The index is written at the end: a folder without one is no detector. Names of machines are
 * those of the service: letters, digits, ".", "_" and "-".
 */
export function writeShards(folder: string): {
  /** Returns the bytes of its file. */
  add(machine: string, detector: Detector): Promise<number>;
  /** @throws InputError where there is no machine */
  finish(): { machines: number };
} {
  try {
    mkdirSync(folder, { recursive: true });
  } catch (error) {
    throw new InputError(`writeShards: cannot make ${folder}: ${systemReason(error)}; name another folder`);
  }
  const [other] = readdirSync(folder);
  if (other !== undefined) throw new InputError(`writeShards: ${folder} is not empty (${other}); name a new folder`);
  const machines = new Map<string, Shard>();
  let encoder: Detector['encoder'] | undefined;
  return {
    async add(machine, detector) {
      if (!MACHINE.test(machine)) {
        throw new InputError(
          `writeShards: expected a machine of letters, digits, ".", "_" and "-", got ${JSON.stringify(machine.slice(0, 80))}; rename it`,
        );
      }
      encoder ??= detector.encoder;
      if (detector.encoder.fingerprint !== encoder.fingerprint) {
        throw new InputError(`writeShards: ${machine} was fitted with another encoder than those before; fit it again`);
      }
      const bytes = await writeDetector(detector);
      save(fileOf(folder, machine), bytes);
      machines.set(machine, {
        sha256: sha256Of(bytes),
        bytes: bytes.length,
        segments: detector.entries.length,
        signal: detector.signal,
      });
      return bytes.length;
    },
    finish() {
      if (!encoder) throw new InputError('writeShards: expected at least one machine, got none');
      const index: Index = { format: 'thrum-shards', version: 1, encoder, machines: Object.fromEntries(machines) };
      save(join(folder, SHARD_INDEX), `${JSON.stringify(index, undefined, 1)}\n`);
      return { machines: machines.size };
    },
  };
}

function readIndex(folder: string): Index {
  const path = join(folder, SHARD_INDEX);
  let found: unknown;
  try {
    found = JSON.parse(readFileSync(path, 'utf8'));
  } catch (error) {
    const reason = error instanceof SyntaxError ? 'it is no JSON' : systemReason(error);
    throw new InputError(`openShards: cannot read ${path}: ${reason}; make it with thrum fit --machines`);
  }
  const index = indexSchema.safeParse(found);
  if (index.success) return index.data;
  const [issue] = index.error.issues;
  throw new InputError(`openShards: ${path}: ${issue.path.join('.')}: ${issue.message}; fit it again`);
}

/**
 * What a detector that scores takes in memory: its file, the transformed bank, and the parts of it that are searched; with
 * labels, those once more.
 */
export function preparedBytes(detector: Detector, fileBytes: number): number {
  const bank = detector.bank.values.byteLength;
  return fileBytes + bank * (detector.labelledCalibration ? 4 : 2);
}

/**
 * Opens a folder of shards; nothing but its index is read. Those used last stay in memory, up to `maxBytes`, and one in any
 * case.
 * @throws InputError for a folder that is none
 */
export function openShards(folder: string, { maxBytes = SHARD_BYTES }: { maxBytes?: number } = {}): Shards {
  const { encoder, machines: listed } = readIndex(folder);
  const machines = new Map(Object.entries(listed));
  const cache = createByteCache<{ detector: Detector; judges: Judges }>(maxBytes);

  const read = async (machine: string): Promise<{ detector: Detector; bytes: number }> => {
    const shard = machines.get(machine);
    if (!shard) throw new InputError(`openShards: ${folder} has no machine ${machine}; fit it, or name another`);
    const path = fileOf(folder, machine);
    let bytes: Uint8Array;
    try {
      bytes = readFileSync(path);
    } catch (error) {
      throw new InputError(`openShards: cannot read ${path}: ${systemReason(error)}; fit it again`);
    }
    if (sha256Of(bytes) !== shard.sha256) {
      throw new InputError(`openShards: ${path} is another file than the index says; fit it again`);
    }
    return { detector: await readDetector(bytes, path), bytes: bytes.length };
  };
  const known = (machine: string) =>
    cache.get(machine, async () => {
      const { detector, bytes } = await read(machine);
      const judges: Judges = {
        ...(detector.calibration && { scorer: createScorer(detector) }),
        ...(detector.labelledCalibration && { diagnose: createDiagnoser(detector) }),
      };
      return { value: { detector, judges }, bytes: preparedBytes(detector, bytes) };
    });

  return {
    encoder,
    machines,
    judges: async (machine) => (await known(machine)).judges,
    detector: async (machine) => (await known(machine)).detector,
    held: cache.held,
  };
}
