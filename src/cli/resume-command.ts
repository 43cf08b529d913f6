// The command line that goes on with a run.
import type { Options } from './command.ts';

const quoted = (word: string): string => (/^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`);

/** The command line that goes on with a run, for a POSIX shell. */
export function resumeCommand(command: readonly string[], options: Options): string {
  const words = Object.entries(options).flatMap(([name, value]) => {
    if (name === 'resume' || value === undefined || value === false) return [];
    if (value === true) return [`--${name}`];
    return value.startsWith('-') ? [`--${name}=${value}`] : [`--${name}`, value];
  });
  return ['thrum', ...command, ...words, '--resume'].map(quoted).join(' ');
}
