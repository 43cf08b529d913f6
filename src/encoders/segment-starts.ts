// How a spectrogram longer than an encoder reads at once is cut.

/**
 * Segments of `length` frames one after the other; the last one ends with the recording and overlaps the one before where
 * there is a remainder. A recording shorter than `length` is one segment as it is (ECHO, released code).
 */
export function segmentStarts(frames: number, length: number): { from: number; frames: number }[] {
  if (frames < length) return [{ from: 0, frames }];
  const starts = Array.from({ length: Math.floor(frames / length) }, (_, i) => i * length);
  if (frames % length !== 0) starts.push(frames - length);
  return starts.map((from) => ({ from, frames: length }));
}
