// Lines of small CSV files as people write them, and one line of words per kind of mistake in a file.
import { listed } from '../text/words.ts';

export type CsvLine = { line: number; cells: string[] };

const unquoted = (cell: string): string => /^"(.*)"$/.exec(cell)?.[1].replaceAll('""', '"') ?? cell;

/**
 * Lines that are not blank, numbered from 1, cells trimmed. Commas, semicolons or tabs between cells, any kind of line
 * end, byte order mark or not.
 */
export const csvLines = (text: string): CsvLine[] =>
  text
    .replace(/^\uFEFF/, '')
    .split(/\r\n|\n|\r/)
    .flatMap((content, i) =>
      /[^\s,;]/.test(content)
        ? [{ line: i + 1, cells: content.split(/[,;\t]/).map((cell) => unquoted(cell.trim())) }]
        : [],
    );

/** More line numbers than that are counted, not listed. */
const LISTED = 8;

/** Collects lines that cannot be used; a message names the first of a kind and where the others are. */
export function createLineProblems(file: string) {
  const kinds = new Map<string, { line: number; message: string; others: number[] }>();
  return {
    add(kind: string, line: number, message: string): void {
      const known = kinds.get(kind);
      if (known) known.others.push(line);
      else kinds.set(kind, { line, message, others: [] });
    },
    messages: (): string[] =>
      [...kinds.values()].map(({ line, message, others }) => {
        const also = others.length > 0 ? `; the same at line ${listed(others, LISTED)}` : '';
        return `${file} line ${line}: ${message}${also}`;
      }),
  };
}
