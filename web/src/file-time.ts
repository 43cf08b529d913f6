// When a recording began, as its file tells.

/** Year, month, day, and hour, minute, perhaps second, with any separators or none: `2026-03-01T14-05-09`, `20260301_140509`. */
const STAMP = /(?<!\d)(20\d\d)[-_.]?(\d\d)[-_.]?(\d\d)[-_.T ]+(\d\d)[-_.:h]?(\d\d)(?:[-_.:m]?(\d\d))?(?!\d)/;

/**
 * Milliseconds since 1970 out of a file's name, read as UTC; else when it was last written, at which the recording ended
 * rather than began, but nothing better is known.
 */
export function startOfFile(name: string, lastModifiedMs: number): number {
  const [, year, month, day, hour, minute, second = '0'] = STAMP.exec(name) ?? [];
  if (year === undefined) return Math.max(0, Math.round(lastModifiedMs));
  const [y, mo, d, h, mi, s] = [year, month, day, hour, minute, second].map(Number);
  const at = Date.UTC(y, mo - 1, d, h, mi, s);
  const date = new Date(at);
  // The thirty-first of February is no date.
  const holds =
    date.getUTCMonth() === mo - 1 && date.getUTCDate() === d && date.getUTCHours() === h && mi < 60 && s < 61;
  return holds ? at : Math.max(0, Math.round(lastModifiedMs));
}
