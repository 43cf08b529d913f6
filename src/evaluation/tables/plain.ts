// Aligned columns of plain text.

export type PlainColumn = {
  /** The heading, one entry per line. */
  head: string[];
  cells: string[];
  /** Names to the left, numbers to the right. */
  align: 'left' | 'right';
};

export const gap = '  ';

/** Control characters in a name could move the cursor or end the line. */
export const printable = (text: string): string => text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, '\ufffd');

const size = (text: string): number => [...text].length;

export const columnWidth = (column: PlainColumn): number => Math.max(...[...column.head, ...column.cells].map(size));

/** Width of a table, gaps included. */
export const tableWidth = (columns: readonly PlainColumn[]): number =>
  columns.reduce((sum, column) => sum + columnWidth(column) + gap.length, -gap.length);

const pad = (text: string, width: number, align: PlainColumn['align']): string => {
  const space = ' '.repeat(Math.max(0, width - size(text)));
  return align === 'left' ? text + space : space + text;
};

/** The lines of a table: headings (standing on the first row) and rows. */
export function plainTable(columns: readonly PlainColumn[]): { head: string[]; body: string[] } {
  const widths = columns.map(columnWidth);
  const height = Math.max(...columns.map((column) => column.head.length));
  const line = (text: (column: PlainColumn) => string) =>
    columns
      .map((column, i) => pad(text(column), widths[i], column.align))
      .join(gap)
      .trimEnd();
  return {
    head: Array.from({ length: height }, (_, i) =>
      line((column) => column.head[i - height + column.head.length] ?? ''),
    ),
    body: columns[0].cells.map((_, i) => line((column) => column.cells[i])),
  };
}

/**
 * Breaks a text at spaces so that lines keep to `width` as far as words allow. The first line begins with `first`, the
 * others with `indent`.
 */
export function wrap(text: string, width: number, indent = '', first = ''): string[] {
  const [start, ...words] = printable(text).split(' ');
  const lines = [first + start];
  for (const word of words) {
    const longer = `${lines[lines.length - 1]} ${word}`;
    if (size(longer) > width) lines.push(indent + word);
    else lines[lines.length - 1] = longer;
  }
  return lines;
}
