// The segment embeddings of recordings, which transformer pooling learns from: made once, kept in a file.
import { existsSync, readFileSync } from 'node:fs';
import { SEGMENTS_PER_RUN } from '../encoders/tuned.ts';
import type { Encoder, Frames } from '../encoders/types.ts';
import { readSafetensors, writeSafetensors } from '../graph/safetensors.ts';
import { concatenate } from '../signal/concatenate.ts';
import { InputError, inputMessage } from '../signal/errors.ts';
import { readRecordingFile } from '../signal/read-file.node.ts';
import { changeSpeed } from '../signal/speed.ts';
import { labelledClasses } from './data/labelled-classes.ts';
import type { LabelledItem, SpeedSettings } from './data/labelled-types.ts';
import { notWritten, writeDurably } from './durable-file.node.ts';
import type { SegmentSet } from './recipes/segment-pooling.ts';

export type SegmentSetOptions = {
  items: readonly LabelledItem[];
  speeds?: SpeedSettings;
  /** Where they are kept, and found again. */
  file: string;
  onItem?: (done: number, total: number) => void;
  warn: (line: string) => void;
};

/** One channel of one recording of an item. @throws InputError where there is none, or nothing in it */
async function samplesOf({ path, read, record = 0, channel = 1 }: LabelledItem) {
  const recordings = await readRecordingFile(path, read);
  const recording = recordings[record];
  const samples = recording?.channels[channel - 1];
  if (!samples) {
    throw new InputError(`${path}: expected channel ${channel} of recording ${record}, found none; name another`);
  }
  if (samples.every((value) => value === samples[0])) {
    throw new InputError(`${path}: every sample is the same (silence, or a dead sensor)`);
  }
  return { samples, sampleRate: recording.sampleRate };
}

/** The segments of a recording in the parts that the finished encoder hears together. */
function setsOf({ values, count, width }: Frames, classIndex: number): SegmentSet[] {
  return Array.from({ length: Math.ceil(count / SEGMENTS_PER_RUN) }, (_, part) => {
    const [from, to] = [part * SEGMENTS_PER_RUN, Math.min(count, (part + 1) * SEGMENTS_PER_RUN)];
    return { vectors: values.slice(from * width, to * width), segments: to - from, classIndex };
  });
}

async function makeSets(encoder: Encoder, { items, speeds, onItem, warn }: SegmentSetOptions): Promise<SegmentSet[]> {
  const classes = labelledClasses(items, speeds);
  const factors = speeds?.factors ?? [1];
  const sets: SegmentSet[] = [];
  for (const [i, item] of items.entries()) {
    try {
      const { samples, sampleRate } = await samplesOf(item);
      for (const [s, factor] of factors.entries()) {
        const heard = changeSpeed(samples, factor, { keepPitch: speeds?.keepPitch ?? false });
        const recording = { channels: [heard], sampleRate, name: item.path };
        const { frames } = await encoder.embed(recording, { frames: true });
        if (!frames) throw new InputError(`${item.path}: the encoder gives no segments; fine-tune one first`);
        sets.push(...setsOf(frames, classes.indexOf(item.label, s)));
      }
    } catch (error) {
      warn(`${inputMessage(error)}; it is left out`);
    }
    onItem?.(i + 1, items.length);
  }
  if (sets.length === 0) throw new InputError(`finetune: none of ${items.length} recordings could be heard; see above`);
  return sets;
}

function write(file: string, sets: readonly SegmentSet[], fingerprint: string): void {
  const width = sets[0].vectors.length / sets[0].segments;
  const vectors = concatenate(
    Float32Array,
    sets.map(({ vectors: own }) => own),
  );
  const counts = Int32Array.from(sets, ({ segments }) => segments);
  const classes = Int32Array.from(sets, ({ classIndex }) => classIndex);
  const bytes = writeSafetensors(
    new Map([
      ['vectors', { dtype: 'F32', shape: [vectors.length / width, width], data: vectors }],
      ['segments', { dtype: 'I32', shape: [sets.length], data: counts }],
      ['classes', { dtype: 'I32', shape: [sets.length], data: classes }],
    ]),
    { fingerprint },
  );
  try {
    writeDurably(file, bytes);
  } catch (error) {
    throw notWritten('finetune', file, error, 'resume the run');
  }
}

function read(file: string, fingerprint: string): SegmentSet[] | undefined {
  if (!existsSync(file)) return undefined;
  const { tensors, metadata } = readSafetensors(readFileSync(file), file);
  if (metadata.fingerprint !== fingerprint) return undefined;
  const [vectors, counts, classes] = ['vectors', 'segments', 'classes'].map((name) => tensors.get(name));
  const width = vectors?.shape[1] ?? 0;
  const values = vectors?.data as Float32Array;
  let at = 0;
  return Array.from(counts?.data as Int32Array, (segments, i) => {
    const own = values.slice(at, at + segments * width);
    at += segments * width;
    return { vectors: own, segments, classIndex: (classes?.data as Int32Array)[i] };
  });
}

/**
 * Segments of all items at all speeds, as the encoder hears them; from the file where this encoder made them before.
 * Recordings that cannot be heard are left out, with a warning each.
 * @throws InputError where none can, and where the file cannot be written
 */
export async function segmentSets(encoder: Encoder, options: SegmentSetOptions): Promise<SegmentSet[]> {
  const known = read(options.file, encoder.fingerprint);
  if (known) return known;
  const sets = await makeSets(encoder, options);
  write(options.file, sets, encoder.fingerprint);
  return sets;
}
