// Aligned columns of plain text, as wide as a terminal shows them.

/** Terminal columns of one character: 2 for East Asian wide and fullwidth forms and emoji, 0 for combining marks. */
export const characterWidth = (character: string): number => {
  if (/\p{Mark}|\p{Default_Ignorable_Code_Point}/u.test(character)) return 0;
  const wide =
    /[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6\u{1f300}-\u{1faff}\u{20000}-\u{3fffd}]/u;
  return wide.test(character) ? 2 : 1;
};

/** Terminal columns of a text. */
export const textWidth = (text: string): number =>
  [...text].reduce((sum, character) => sum + characterWidth(character), 0);

/** Control characters in a name could move the cursor, change colours or end the line. */
export const printable = (text: string): string => text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, '\ufffd');

/** Between columns. */
export const gap = '  ';

/** Names to the left, numbers to the right. */
export type Align = 'left' | 'right';

/** The text with blanks up to `width` columns. */
export const pad = (text: string, width: number, align: Align): string => {
  const space = ' '.repeat(Math.max(0, width - textWidth(text)));
  return align === 'left' ? text + space : space + text;
};

/**
 * The lines of rows whose cells stand below each other in columns as wide as they need. A row that is a text alone (a
 * heading, an empty line) stays as it is and widens nothing.
 */
export function alignRows(rows: readonly (string | readonly string[])[], alignOf: (column: number) => Align): string[] {
  const widths: number[] = [];
  for (const row of rows) {
    if (typeof row === 'string') continue;
    for (const [i, cell] of row.entries()) widths[i] = Math.max(widths[i] ?? 0, textWidth(cell));
  }
  return rows.map((row) =>
    typeof row === 'string'
      ? row
      : row
          .map((cell, i) => pad(cell, widths[i], alignOf(i)))
          .join(gap)
          .trimEnd(),
  );
}

export type PlainColumn = {
  /** The heading, one entry per line. */
  head: string[];
  cells: string[];
  align: Align;
};

/** Terminal columns that a column needs. */
export const columnWidth = (column: PlainColumn): number =>
  Math.max(...[...column.head, ...column.cells].map(textWidth));

/** Width of a table, gaps included. */
export const tableWidth = (columns: readonly PlainColumn[]): number =>
  columns.reduce((sum, column) => sum + columnWidth(column) + gap.length, -gap.length);

/** The lines of a table: headings (standing on the first row) and rows. */
export function plainTable(columns: readonly PlainColumn[]): { head: string[]; body: string[] } {
  const height = Math.max(...columns.map(({ head }) => head.length));
  const heads = Array.from({ length: height }, (_, i) =>
    columns.map(({ head }) => head[i - height + head.length] ?? ''),
  );
  const rows = columns[0].cells.map((_, i) => columns.map(({ cells }) => cells[i]));
  const lines = alignRows([...heads, ...rows], (i) => columns[i].align);
  return { head: lines.slice(0, height), body: lines.slice(height) };
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
    if (textWidth(longer) > width) lines.push(indent + word);
    else lines[lines.length - 1] = longer;
  }
  return lines;
}
