// Names of machines in topics and subjects: `plants/{machine}/audio` subscribes to `plants/+/audio`.
import { InputError } from '../../signal/errors.ts';

export type SubjectRules = {
  /** Between levels: `/` or `.`. */
  separator: string;
  /** Stands for one level … */
  one: string;
  /** … and for all that follow. */
  rest: string;
};

export const mqttRules: SubjectRules = { separator: '/', one: '+', rest: '#' };
export const natsRules: SubjectRules = { separator: '.', one: '*', rest: '>' };

export type Subject = {
  /** What the broker is asked for. */
  filter: string;
  /** The machine that a topic names: the level at `{machine}`, else the last one. */
  nameOf(topic: string): string;
};

const MACHINE = '{machine}';
const MAX_NAME = 128;

/** @throws InputError for no pattern, two machines, and wildcards that are a part of a level or not at the end */
export function parseSubject(pattern: string, { separator, one, rest }: SubjectRules): Subject {
  const levels = pattern.split(separator);
  const fail = (expected: string) =>
    new InputError(
      `parseSubject: expected ${expected}, got ${pattern || 'nothing'}; such as plants${separator}${MACHINE}${separator}audio`,
    );
  if (pattern === '') throw fail('a topic');
  if (levels.filter((level) => level.includes(MACHINE)).length > 1) throw fail(`${MACHINE} once`);
  for (const [l, level] of levels.entries()) {
    if (level.includes(MACHINE) && level !== MACHINE) throw fail(`${MACHINE} as a whole level`);
    const isWild = level.includes(one) || level.includes(rest);
    if (isWild && level.length > 1) throw fail(`${one} and ${rest} as whole levels`);
    if (level === rest && l < levels.length - 1) throw fail(`${rest} at the end`);
  }
  const at = levels.indexOf(MACHINE);
  return {
    filter: levels.map((level) => (level === MACHINE ? one : level)).join(separator),
    nameOf(topic) {
      const found = topic.split(separator);
      const name = (at >= 0 ? found[at] : undefined) || found.at(-1) || topic;
      return name.slice(0, MAX_NAME);
    },
  };
}
