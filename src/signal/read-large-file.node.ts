// Whole files, however large: readFileSync refuses those above 2 GiB.
import { closeSync, openSync, readFileSync, readSync, statSync } from 'node:fs';

/** The system reads at most 2 GiB at a time. */
const READ_BYTES = 2 ** 30;

/** The bytes of a file, read `atOnce` at a time where there are more. @throws what node:fs does */
export function readLargeFile(path: string, atOnce = READ_BYTES): Uint8Array {
  const { size } = statSync(path);
  if (size <= atOnce) return readFileSync(path);
  const bytes = new Uint8Array(size);
  const file = openSync(path, 'r');
  try {
    for (let filled = 0; filled < size; ) {
      const count = readSync(file, bytes, filled, Math.min(atOnce, size - filled), filled);
      if (count === 0) return bytes.subarray(0, filled);
      filled += count;
    }
  } finally {
    closeSync(file);
  }
  return bytes;
}
