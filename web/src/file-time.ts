// When a recording began, as its file tells.
import { timeInName } from '../../src/monitor/stream/file-time.ts';

/**
 * Milliseconds since 1970 out of a file's name; else when it was last written, at which the recording ended rather than
 * began, but nothing better is known.
 */
export const startOfFile = (name: string, lastModifiedMs: number): number =>
  timeInName(name) ?? Math.max(0, Math.round(lastModifiedMs));
