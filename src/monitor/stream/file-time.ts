// When a recording began, where its name says so.
import type { TimeMs } from '../types.ts';

/** 2026-11-30T12-00-00, 20261130_120000, 2026-11-30 12.00.00.250 */
const STAMP = /(?<!\d)(\d{4})-?(\d\d)-?(\d\d)[T_ -]?(\d\d)[-:._]?(\d\d)[-:._]?(\d\d)(?:[.,](\d{1,3})(?!\d))?(?!\d)/;

/** The first date and time in a name, taken as UTC; undefined where there is none, or none of the calendar. */
export function timeInName(name: string): TimeMs | undefined {
  const found = STAMP.exec(name);
  if (!found) return undefined;
  const [year, month, day, hour, minute, second] = found.slice(1, 7).map(Number);
  const time = new Date(0);
  time.setUTCFullYear(year, month - 1, day);
  time.setUTCHours(hour, minute, second, Number((found[7] ?? '').padEnd(3, '0')));
  // 2026-13-45 is a serial number.
  const fits = time.getUTCMonth() === month - 1 && time.getUTCDate() === day && hour < 24 && minute < 60 && second < 60;
  return fits && year >= 1970 ? time.getTime() : undefined;
}
