// The settings of a training run: what config.json holds, and what may differ when the run is resumed.
import { z } from 'zod';
import { InputError } from '../signal/errors.ts';

/** Everything that makes a run what it is; plain JSON. Beside these keys, those of the recipe. */
export type RunConfig = { steps: number; workers?: number; provider?: string; [key: string]: unknown };

/** Raised when a folder written by this version cannot be resumed by the one before. */
const VERSION = 1;

const configSchema = z.looseObject({
  steps: z.int().min(1),
  workers: z.int().min(0).optional(),
  provider: z.string().optional(),
});

const fileSchema = z.object({ format: z.literal('thrum-run'), version: z.literal(VERSION), config: configSchema });

/** Where the work is done may change; `steps` may grow, which `checkResume` looks at itself. */
const FREE_KEYS = new Set(['workers', 'provider']);

const firstIssue = ({ issues: [{ path, message }] }: z.ZodError): string =>
  path.length > 0 ? `${path.join('.')}: ${message}` : message;

/** What JSON would turn into `null`, or drop without a word. */
function onlyJson(this: unknown, key: string, value: unknown): unknown {
  const lost = typeof value === 'number' ? !Number.isFinite(value) : /function|symbol|bigint/.test(typeof value);
  if (lost) throw new InputError(`openRun: expected settings that JSON can hold, got ${String(value)} as ${key}`);
  return value;
}

/**
 * The text of config.json. Keys that are undefined are left out.
 * @throws InputError for settings that JSON cannot hold, and without a whole number of steps
 */
export function writeRunConfig(config: RunConfig): string {
  const text = JSON.stringify({ format: 'thrum-run', version: VERSION, config }, onlyJson, 2);
  const parsed = fileSchema.safeParse(JSON.parse(text));
  if (!parsed.success) throw new InputError(`openRun: the settings do not fit: ${firstIssue(parsed.error)}`);
  return `${text}\n`;
}

/** @throws InputError if the text is damaged, or not of this version; `path` is named. */
export function readRunConfig(text: string, path: string): RunConfig {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new InputError(`openRun: ${path} is no JSON; restore it, or start a new run in another folder`);
  }
  const parsed = fileSchema.safeParse(value);
  if (parsed.success) return parsed.data.config;
  throw new InputError(
    `openRun: ${path} is not of a run that this version can resume (${firstIssue(parsed.error)}); restore it, or start a new run in another folder`,
  );
}

type Difference = { key: string; before: unknown; now: unknown };

const isTree = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null;

/** Leaves in which two JSON values differ, by their dotted path. A list and an object are never the same. */
export function differences(before: unknown, now: unknown, key: string): Difference[] {
  if (!isTree(before) || !isTree(now) || Array.isArray(before) !== Array.isArray(now)) {
    return before === now ? [] : [{ key, before, now }];
  }
  const names = [...new Set([...Object.keys(before), ...Object.keys(now)])].sort();
  return names.flatMap((name) => differences(before[name], now[name], key === '' ? name : `${key}.${name}`));
}

/** A value in a message. */
export const shown = (value: unknown): string => (value === undefined ? 'nothing' : JSON.stringify(value));

/**
 * Checks that a run may go on with the settings asked for: as it began, but for `workers` and `provider`, and for
 * `steps`, which may grow.
 * @throws InputError that names the first key that differs, with both values
 */
export function checkResume(stored: RunConfig, asked: RunConfig, path: string): void {
  const changed = differences(stored, asked, '').filter(
    ({ key }) => !FREE_KEYS.has(key) && (key !== 'steps' || asked.steps < stored.steps),
  );
  if (changed.length === 0) return;
  const [{ key, before, now }] = changed;
  const more = changed.length > 1 ? ` (and ${changed.length - 1} more)` : '';
  const todo =
    key === 'steps'
      ? `steps may grow, not shrink; ask for ${before} or more`
      : `give ${key} as it was, or start a new run in another folder`;
  throw new InputError(
    `openRun: expected ${key} ${shown(before)} as the run in ${path} began with, got ${shown(now)}${more}; ${todo}`,
  );
}
