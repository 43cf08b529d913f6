// CED and Dasheng as encoders: recordings in chunks, tokens to embeddings.
import type { Program } from '../graph/runtime.ts';
import type { Recording } from '../signal/recording.ts';
import { type BandOutputs, type BandSequences, embedTogether } from './band-transformer.ts';
import { batchEncoder } from './batch-encoder.ts';
import type { StateDict } from './family.ts';
import { MEL_HOP, MEL_RATE, melDb, normaliseMel } from './mel-db.ts';
import { type Chunk, leastSamples, type MelVit, type MelVitConfig, melPatches, patchRows } from './mel-vit.ts';
import { channelAt, onlyChannel, requireSamples } from './requirements.ts';
import type { Band, Embedding, EmbedOptions, Encoder, Frames } from './types.ts';

/** Features over time: a row of D for every column of patches that was heard, the mean over its patches. */
function framesOf(vit: MelVit, chunks: readonly Chunk[], outputs: readonly BandOutputs[], bands: Band[]): Frames {
  const width = bands[0].end;
  const rows = patchRows(vit);
  const count = chunks.reduce((sum, { heard }) => sum + heard, 0);
  const values = new Float32Array(count * width);
  const starts = new Float64Array(count);
  let at = 0;
  for (const [i, { from, columns, heard }] of chunks.entries()) {
    for (let t = 0; t < heard; t++, at++) {
      starts[at] = ((from + t * vit.patchFrames) * MEL_HOP) / MEL_RATE;
      for (let row = 0; row < rows; row++) {
        const token = (row * columns + t) * width;
        for (let d = 0; d < width; d++) values[at * width + d] += outputs[i].tokens[token + d] / rows;
      }
    }
  }
  return { values, count, width, starts, seconds: (vit.patchFrames * MEL_HOP) / MEL_RATE, bands };
}

/** Mean of all tokens that count. */
function meanToken(vit: MelVit, chunks: readonly Chunk[], outputs: readonly BandOutputs[], width: number) {
  const sum = new Float64Array(width);
  let count = 0;
  for (const [i, { columns, counted }] of chunks.entries()) {
    for (let row = 0; row < patchRows(vit); row++) {
      for (let token = row * columns; token < row * columns + counted; token++, count++) {
        for (let d = 0; d < width; d++) sum[d] += outputs[i].tokens[token * width + d];
      }
    }
  }
  return Float32Array.from(sum, (value) => value / count);
}

type Prepared = { chunks: Chunk[]; sequences: BandSequences[] };

/**
 * An encoder around a compiled program of `melVitGraph`. Recordings of other rates are resampled to 16 kHz; long ones are
 * read in the chunks of the family. The embedding is the mean of the tokens [D]; one band, 0 to 8 kHz.
 */
export function createMelVit(
  id: string,
  fingerprint: string,
  vit: MelVit,
  config: MelVitConfig,
  weights: StateDict,
  program: Program,
): Encoder {
  const { width } = config;
  const transformer = { program, width, patchSize: vit.patchMels * vit.patchFrames };
  const bands: Band[] = [{ lowHz: 0, highHz: MEL_RATE / 2, start: 0, end: width }];
  const prepare = (recording: Recording): Prepared => {
    const { sampleRate, name } = recording;
    requireSamples(vit.family, onlyChannel(recording).length, leastSamples(vit, sampleRate), sampleRate, name);
    const [levels] = melDb([channelAt(recording, MEL_RATE)]);
    const values = normaliseMel(levels, weights);
    const chunks = vit.chunks(levels.frames, config);
    return { chunks, sequences: chunks.map((chunk) => melPatches(values, chunk, vit)) };
  };
  const embedMany = (recordings: readonly Recording[], options: EmbedOptions = {}): Promise<Embedding[]> =>
    embedTogether(transformer, recordings.map(prepare), ({ chunks }, outputs) => ({
      vector: meanToken(vit, chunks, outputs, width),
      bands,
      ...(options.frames && { frames: framesOf(vit, chunks, outputs, bands) }),
    }));
  return batchEncoder({ id, fingerprint, embedMany, release: () => program.release() });
}
