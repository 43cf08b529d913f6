// What every file reader offers. A reader is chosen by what a file contains, never by its name.
import type { ReadOptions, Recording } from '../recording.ts';

export type Reader = {
  /** Short name of the format, as shown to the user: `wav`, `flac`, `mat` … */
  format: string;
  /** Whether the first bytes (up to 4096 of them) are of this format. */
  detect(head: Uint8Array): boolean;
  /**
   * Decodes a whole file. A file may hold several recordings (records of a run, columns of different rates).
   * @throws InputError for anything malformed, truncated, empty, or without a rate when `options.sampleRate` is missing.
   */
  read(bytes: Uint8Array, options: ReadOptions): Recording[] | Promise<Recording[]>;
};
