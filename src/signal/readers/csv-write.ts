// Lines of comma-separated values (RFC 4180).

/** One line, without its end: quotes around cells that hold a comma, a quote or a line end; null is an empty cell. */
export const csvLine = (cells: readonly (string | number | null)[]): string =>
  cells
    .map((cell) => {
      const text = cell === null ? '' : String(cell);
      return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
    })
    .join(',');
