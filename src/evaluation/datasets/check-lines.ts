// The check of a data set as lines of text.
import { groupBy } from '../group-by.ts';
import type { Count, DataSetCheck } from './check.node.ts';

const COUNTED: readonly Count['of'][] = ['class', 'split', 'fold', 'machine'];

/** Whether files are damaged, in difference to missing or unusual ones. */
export const isDamaged = ({ unreadable, empty, notFinite }: DataSetCheck): boolean =>
  unreadable.length + empty.length + notFinite.length > 0;

/** What a check of a data set found: a heading, the counts, then a line for each thing wrong, or one that says there is none. */
export function checkLines(check: DataSetCheck): string[] {
  const { id, title, root, recordings, expected, kinds } = check;
  const minutes = kinds.reduce((sum, kind) => sum + kind.seconds, 0) / 60;
  const of = expected === undefined ? '' : ` of ${expected}`;
  const wrong = wrongLines(check);
  return [
    `${id}: ${title} in ${root}`,
    `  ${recordings}${of} recordings, ${minutes.toFixed(1)} min`,
    ...COUNTED.flatMap((kind) => countLine(kind, check.counts)),
    ...(wrong.length > 0 ? wrong : ['  nothing wrong found']),
  ];
}

function countLine(kind: Count['of'], counts: readonly Count[]): string[] {
  const own = counts.filter(({ of }) => of === kind);
  if (own.length === 0) return [];
  const shown = own.map(({ name, found, expected }) =>
    expected === undefined || expected === found ? `${name} ${found}` : `${name} ${found} of ${expected}`,
  );
  return [`  by ${kind}: ${shown.join(', ')}`];
}

function wrongLines(check: DataSetCheck): string[] {
  const { recordings, expected, problems, unreadable, empty, notFinite, silent, duplicates, divided } = check;
  const there = recordings + unreadable.length + empty.length;
  const missing = expected === undefined ? 0 : expected - there;
  return [
    ...(missing > 0 ? [`missing: ${missing} of the ${expected} recordings of the complete data set`] : []),
    ...(missing < 0 ? [`unexpected: ${-missing} more than the ${expected} recordings of the complete data set`] : []),
    ...problems.map(({ kind, message }) => `${kind}: ${message}`),
    ...unreadable.map(({ message }) => `unreadable: ${message}`),
    ...empty.map((name) => `empty: ${name}: the file has no content; copy it again`),
    ...notFinite.map(({ message }) => `not finite: ${message}`),
    ...unlikeLines('wrong rate', 'Hz', check.wrongRate),
    ...unlikeLines('wrong channels', 'channels', check.wrongChannels),
    ...silent.map((name) => `silent: ${name}: every sample is the same`),
    ...duplicates.map(
      ({ name, same, between }) =>
        `duplicate: ${name} has the same samples as ${same}${between.length > 0 ? ` (${between.join('; ')})` : ''}`,
    ),
    ...divided.map(({ take, between }) => `divided: parts of take ${take} are in ${between.join('; ')}`),
  ].map((line) => `  ${line}`);
}

/** One line for all recordings that are off in the same way. */
function unlikeLines(title: string, unit: string, all: DataSetCheck['wrongRate']): string[] {
  const alike = groupBy(all, ({ found, expected }) => `${found} ${unit}, expected ${expected}`);
  return [...alike].map(([what, [{ name }, ...others]]) =>
    others.length === 0
      ? `${title}: ${name}: ${what}`
      : `${title}: ${others.length + 1} recordings of ${what} (${name} first)`,
  );
}
