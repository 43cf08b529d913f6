// ECHO, FISHER and EAT as fine-tuning sees them. Sub-bands are heard by themselves; their tokens stand side by side.
import { add } from '../graph/elementwise.ts';
import { reshape } from '../graph/reshape.ts';
import { type Feeds, float32 } from '../graph/runtime.ts';
import { concat, slice } from '../graph/slicing.ts';
import { constant, type Dim, input, type Tensor } from '../graph/tensor.ts';
import { sineCosinePositions } from '../nn/positions.ts';
import { concatenate } from '../signal/concatenate.ts';
import { InputError } from '../signal/errors.ts';
import { fisherSpectrogram } from '../signal/log-spectrogram.ts';
import { binFrequencies, type Spectrogram, spectrogramSize } from '../signal/spectrogram.ts';
import type { BandSequences } from './band-transformer.ts';
import {
  EAT_COLUMNS,
  EAT_MAX_PATCHES,
  EAT_RATE,
  type EatConfig,
  eatFeatures,
  eatPositions,
  eatSpectrogram,
} from './eat.ts';
import { EAT_PATCH, eatPatchTokens, eatTransformer } from './eat-transformer.ts';
import { type EchoConfig, echoBands, echoInput, echoPatches, echoPatchTokens, echoTransformer } from './echo.ts';
import { type FisherConfig, fisherPatches, fisherTransformer } from './fisher.ts';
import { patchFeeds } from './mel-patches.ts';
import type { Features, Trunk } from './trunk.ts';

const times = (count: Dim, factor: number): Dim =>
  factor === 1 ? count : typeof count === 'number' ? count * factor : `${factor} ${count}`;

/** [count * bands, P + 1, D] to [count, bands * (P + 1), D], the CLS of all bands first. */
function sideBySide(states: Tensor, count: Dim, bands: number): Tensor {
  const [, length, width] = states.shape as [Dim, number, number];
  if (bands === 1) return reshape(states, [count, length, width]);
  const apart = reshape(states, [count, bands, length, width]);
  const cls = reshape(slice(apart, 2, 0, 1), [count, bands, width]);
  const rest = reshape(slice(apart, 2, 1), [count, bands * (length - 1), width]);
  return concat([cls, rest], 1);
}

/** Bands of all crops, one after the other, in one input. */
function bandFeeds(crops: readonly BandSequences[], width: number): Feeds {
  const [{ bands, patches, values, bandPositions }] = crops;
  const sequences = crops.length * bands;
  return {
    patches: float32(
      concatenate(
        Float32Array,
        crops.map((crop) => crop.values),
      ),
      [sequences, patches, values.length / (bands * patches)],
    ),
    ...(bandPositions && {
      bandPositions: float32(
        concatenate(
          Float32Array,
          crops.map((crop) => crop.bandPositions as Float32Array),
        ),
        [sequences, 1, width],
      ),
    }),
  };
}

const toFeatures = ({ values, frames, bins }: Spectrogram): Features => ({ values, frames, bins });

/** The spectrogram that features of 25 ms frames every 10 ms are. */
function toSpectrogram(features: Features, sampleRate: number): Spectrogram {
  const { nFft, hopLength } = spectrogramSize(0, sampleRate);
  return { ...features, sampleRate, nFft, hopLength, frequencies: binFrequencies(nFft, sampleRate) };
}

/** ECHO: any rate; its hidden states have the CLS of every band first, then the tokens band by band. */
export function echoTrunk(config: EchoConfig): Trunk {
  const { width, depth, bandBins, patchFrames } = config;
  return {
    width,
    states: depth + 1,
    leastSamples: (sampleRate) => spectrogramSize(0, sampleRate).nFft,
    features: (samples, sampleRate) => toFeatures(echoInput(samples, sampleRate, config).spectrogram),
    feeds: (features, sampleRate) =>
      bandFeeds(
        features.map((one) => echoPatches(toSpectrogram(one, sampleRate), 0, one.frames, config)),
        width,
      ),
    graph: (scope, { count, samples, sampleRate }, options = {}) => {
      const { frames, bins, nFft } = spectrogramSize(samples, sampleRate);
      const bands = echoBands(bins, nFft, bandBins).length;
      const [sequences, length] = [times(count, bands), Math.ceil(frames / patchFrames)];
      const patches = input('patches', [sequences, length, bandBins * patchFrames]);
      const bandPositions = input('bandPositions', [sequences, 1, width]);
      const positions = constant(sineCosinePositions(length, width), [1, length, width]);
      const tokens = add(echoPatchTokens(scope, config, patches), positions);
      const { embedded, layers } = echoTransformer(scope, config, tokens, bandPositions, {
        ...options,
        length: length + 1,
      });
      const states = [embedded, ...layers.map(({ output }) => output)];
      return { states: states.map((one) => sideBySide(one, count, bands)), cls: bands, grid: [bands, length, 1] };
    },
  };
}

/** FISHER, with the position table of its weights [rows, width], made when it is asked for: any rate; CLS of every band first. */
export function fisherTrunk(config: FisherConfig, positionTable: () => Float32Array): Trunk {
  const { width, depth } = config;
  /** Bands and patches of features of this size. */
  const cut = (features: Features, sampleRate: number) => fisherPatches(toSpectrogram(features, sampleRate), config);
  return {
    width,
    states: depth + 1,
    leastSamples: (sampleRate) => {
      const { nFft, hopLength } = spectrogramSize(0, sampleRate);
      return nFft + (EAT_PATCH - 1) * hopLength;
    },
    features: (samples, sampleRate) => toFeatures(fisherSpectrogram(samples, sampleRate)),
    feeds: (features, sampleRate) =>
      bandFeeds(
        features.map((one) => cut(one, sampleRate)),
        width,
      ),
    graph: (scope, { count, samples, sampleRate }, options = {}) => {
      const { frames, bins } = spectrogramSize(samples, sampleRate);
      const { bands, patches: length } = cut({ values: new Float32Array(frames * bins), frames, bins }, sampleRate);
      const table = positionTable();
      if (length * width > table.length) {
        throw new InputError(
          `fisher: ${length} patches are more than the ${table.length / width} positions; use shorter crops`,
        );
      }
      const patches = input('patches', [times(count, bands), length, EAT_PATCH ** 2]);
      const positions = constant(table.subarray(0, length * width), [1, length, width]);
      const { normed, layers } = fisherTransformer(scope, config, patches, positions, {
        ...options,
        length: length + 1,
      });
      const states = [normed, ...layers.map(({ output }) => output)];
      const across = Math.floor(config.bandBins / EAT_PATCH);
      const grid = [bands, length / across, across] as const;
      return { states: states.map((one) => sideBySide(one, count, bands)), cls: bands, grid };
    },
  };
}

/** EAT: 16 kHz, CLS first. */
export function eatTrunk(config: EatConfig): Trunk {
  const { width, depth } = config;
  const rowsOf = (samples: number): number => Math.ceil((1 + Math.floor((samples - 400) / 160)) / EAT_PATCH);
  return {
    sampleRate: EAT_RATE,
    width,
    states: depth + 1,
    leastSamples: () => 400,
    features: (samples, sampleRate) => {
      const spectrogram = eatSpectrogram(samples, sampleRate);
      return eatFeatures(spectrogram, 0, spectrogram.frames);
    },
    feeds: (features) => patchFeeds(features, features[0].frames / EAT_PATCH),
    graph: (scope, { count, samples }, options = {}) => {
      const length = rowsOf(samples) * EAT_COLUMNS;
      if (length > EAT_MAX_PATCHES) {
        throw new InputError(
          `eat: expected crops of at most ${EAT_MAX_PATCHES / EAT_COLUMNS} rows of patches, got ${rowsOf(samples)}; use shorter crops`,
        );
      }
      const patches = input('patches', [count, length, EAT_PATCH ** 2]);
      const positions = constant(eatPositions(length, width), [1, length, width]);
      const tokens = add(eatPatchTokens(scope, config, patches), positions);
      const { normed, layers } = eatTransformer(scope, config, tokens, { ...options, length: length + 1 });
      const grid = [1, length / EAT_COLUMNS, EAT_COLUMNS] as const;
      return { states: [normed, ...layers.map(({ output }) => output)], cls: 1, grid };
    },
  };
}
