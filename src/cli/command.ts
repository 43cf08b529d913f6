// What a command of the command line is, and how its arguments are read and explained. Node's own strict parser does the reading.
import { parseArgs } from 'node:util';
import { InputError } from '../signal/errors.ts';

/** Wrong use of the command line: exit status 2. Bad input is an InputError: exit status 1. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

export type OptionSpec = {
  /** What stands for the value in the help; a flag has none. */
  value?: string;
  short?: string;
  description: string;
  default?: string;
};

export type OptionSpecs = Readonly<Record<string, OptionSpec>>;

/** What the user gave: text for options with a value, true for flags, undefined where absent. */
export type Options = Readonly<Record<string, string | boolean | undefined>>;

export type Command = {
  /** One line for the list of commands. */
  summary: string;
  /** What follows the command's name: `NORMAL… --out FILE [options]`. */
  usage: string;
  /** Commands that can be typed as they are. */
  examples: readonly string[];
  /** More to know, in paragraphs. */
  details?: string;
  options: OptionSpecs;
  /** Returns the exit status. */
  run(files: string[], options: Options): Promise<number>;
};

const HELP: OptionSpec = { short: 'h', description: 'show this help' };

/** Reads arguments strictly. @throws UsageError for unknown options and missing values. */
export function readArguments(command: Command, args: readonly string[]): { files: string[]; options: Options } {
  const specs: OptionSpecs = { ...command.options, help: HELP };
  try {
    const { values, positionals } = parseArgs({
      args: [...args],
      allowPositionals: true,
      strict: true,
      options: Object.fromEntries(
        Object.entries(specs).map(([name, spec]) => [
          name,
          {
            type: spec.value === undefined ? ('boolean' as const) : ('string' as const),
            ...(spec.short && { short: spec.short }),
            ...(spec.default !== undefined && { default: spec.default }),
          },
        ]),
      ),
    });
    for (const [name, value] of Object.entries(values)) {
      if (value === '') throw new UsageError(`--${name}: expected ${specs[name]?.value ?? 'a value'}, got nothing`);
    }
    return { files: positionals, options: values as Options };
  } catch (error) {
    throw error instanceof UsageError ? error : new UsageError(parserMessage((error as Error).message));
  }
}

/** The first sentence of what Node's parser says; where a value starts with a dash, how to give it. */
function parserMessage(message: string): string {
  const [first] = message.split(/\n|\. To specify/);
  const option = /^Option '(?:-\w, )?(--[\w-]+)\b.*' argument is ambiguous/.exec(first)?.[1];
  return option ? `${option}: a value that starts with a dash is given as ${option}=-1` : first;
}

/** The help page of a command. */
export function helpFor(name: string, command: Command): string {
  const rows = Object.entries({ ...command.options, help: HELP }).map(([option, spec]) => {
    const short = spec.short ? `-${spec.short}, ` : '    ';
    const left = `  ${short}--${option}${spec.value ? ` ${spec.value}` : ''}`;
    return { left, right: `${spec.description}${spec.default !== undefined ? ` (default ${spec.default})` : ''}` };
  });
  const width = Math.min(34, Math.max(...rows.map(({ left }) => left.length)) + 2);
  const options = rows.map(({ left, right }) =>
    left.length < width ? `${left.padEnd(width)}${right}` : `${left}\n${' '.repeat(width)}${right}`,
  );
  return [
    `thrum ${name}: ${command.summary}`,
    '',
    `Usage: thrum ${name} ${command.usage}`,
    ...(command.details ? ['', command.details] : []),
    '',
    'Options:',
    ...options,
    '',
    command.examples.length === 1 ? 'Example:' : 'Examples:',
    ...command.examples.map((example) => `  ${example}`),
  ].join('\n');
}

/** Text of an option, undefined where it was not given. */
export const text = (options: Options, name: string): string | undefined => {
  const value = options[name];
  return typeof value === 'string' ? value : undefined;
};

export const flag = (options: Options, name: string): boolean => options[name] === true;

/** Text that must be there. */
export function required(options: Options, name: string, spec: string): string {
  const value = text(options, name);
  if (value === undefined) throw new UsageError(`expected --${name} ${spec}`);
  return value;
}

type Limits = { above?: number; min?: number; below?: number; max?: number; integer?: boolean };

const UNITS: Readonly<Record<string, number>> = { k: 1e3, K: 1e3, M: 1e6, G: 1e9 };

/** A number within limits; text such as 16k, 25.6kHz, 1M or 20G is understood. */
export function number(options: Options, name: string, limits: Limits = {}): number | undefined {
  const given = text(options, name);
  if (given === undefined) return undefined;
  const [, digits, unit] = /^([+-]?[\d.]+(?:[eE][+-]?\d+)?)\s*([kKMG]?)(?:[hH]z|s)?$/.exec(given.trim()) ?? [];
  const value = Number(digits) * (UNITS[unit] ?? 1);
  const {
    above = Number.NEGATIVE_INFINITY,
    min = Number.NEGATIVE_INFINITY,
    below = Number.POSITIVE_INFINITY,
    max = Number.POSITIVE_INFINITY,
  } = limits;
  const fits =
    value > above && value >= min && value < below && value <= max && (!limits.integer || Number.isInteger(value));
  if (digits === undefined || !fits) {
    const bounds = [
      limits.integer ? 'whole' : '',
      limits.above !== undefined ? `above ${limits.above}` : '',
      limits.min !== undefined ? `at least ${limits.min}` : '',
      limits.below !== undefined ? `below ${limits.below}` : '',
      limits.max !== undefined ? `at most ${limits.max}` : '',
    ].filter(Boolean);
    throw new UsageError(
      `--${name}: expected a number${bounds.length > 0 ? ` (${bounds.join(', ')})` : ''}, got ${given}`,
    );
  }
  return value;
}

/** One of a few words. */
export function choice<const T extends string>(options: Options, name: string, words: readonly T[]): T | undefined {
  const given = text(options, name);
  if (given === undefined) return undefined;
  const found = words.find((word) => word === given);
  if (found === undefined) throw new UsageError(`--${name}: expected one of ${words.join(', ')}, got ${given}`);
  return found;
}

/** At least one file or folder. */
export function requireFiles(files: readonly string[]): void {
  if (files.length === 0) throw new UsageError('expected at least one file or folder');
}

export { InputError };
