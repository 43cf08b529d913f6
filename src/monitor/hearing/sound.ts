// What is heard, and with what: as threads and workers are handed it.
import type { ReadOptions, Recording } from '../../signal/recording.ts';

/** A recording in memory, or a file: its bytes, or where it lies. */
export type Sound =
  | { kind: 'recording'; recording: Recording }
  | { kind: 'bytes'; bytes: Uint8Array; name: string; read?: Omit<ReadOptions, 'name'> }
  | { kind: 'file'; path: string; read?: Omit<ReadOptions, 'name'> };

/** The bytes lie in memory that all threads see; `key` says what a thread has prepared already. */
export type SharedDetector = { key: string; bytes: Uint8Array };
