// What the service writes about itself: a line for each thing that happened, on standard error, without secrets.
import { oneLine } from '../signal/errors.ts';
import { redactKeys } from './keys.ts';

export type LogLevel = 'info' | 'warn' | 'error';
export type LogFields = Readonly<Record<string, string | number | boolean | undefined>>;
export type Log = (level: LogLevel, message: string, fields?: LogFields) => void;

export type LogOptions = { format: 'text' | 'json'; write?(line: string): void; now?(): number };

/** Anything but plain characters is written as JSON writes it: nobody forges a line, or drives a terminal. */
const plain = (value: string): string => (/^[\w./:@+-]+$/.test(value) ? value : JSON.stringify(value));

/**
 * One line a call: JSON objects with `time`, `level`, `message` and the fields, or text for people.
 * Keys of this service that find their way into a line are struck out.
 */
export function createLog({ format, write, now = Date.now }: LogOptions): Log {
  const out = write ?? ((line: string) => void process.stderr.write(line));
  return (level, message, fields = {}) => {
    const time = new Date(now()).toISOString();
    const given = Object.entries(fields).filter(([, value]) => value !== undefined);
    const line =
      format === 'json'
        ? JSON.stringify({ time, level, message: oneLine(message), ...Object.fromEntries(given) })
        : [time, level, oneLine(message), ...given.map(([name, value]) => `${name}=${plain(String(value))}`)].join(' ');
    out(`${redactKeys(line)}\n`);
  };
}
