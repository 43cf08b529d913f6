// From the embeddings of samples to rows that can be compared: of one rate and width, with label, take and content.
import type { Matrix } from '../../detection/matrix.ts';
import type { Sample } from '../datasets/types.ts';
import type { StoredRecording } from '../embeddings/stored-recording.ts';

/** Rows of a view. `channels` has one matrix per channel, or a single one where every channel is a row of its own. */
export type Rows = {
  names: string[];
  labels: string[];
  takes: string[];
  /** Takes split by channel: what RMIS's code keeps on one side. */
  channelTakes: string[];
  contents: string[];
  samples: Sample[];
  channels: Matrix[];
};

export type Heard = { sample: Sample; content: string; recording: StoredRecording };

type Kind = { rate: number; columns: number; channels: number };
const kindOf = ({ recording }: Heard): Kind => ({
  rate: recording.sampleRate,
  columns: recording.columns,
  channels: recording.channels,
});
const keyOf = ({ rate, columns, channels }: Kind): string => `${rate}/${columns}/${channels}`;

/** The recordings of the commonest rate, width and number of channels, and a line for each of the others. */
export function oneKind(heard: readonly Heard[]): { kept: Heard[]; problems: string[] } {
  const counts = new Map<string, number>();
  for (const one of heard) counts.set(keyOf(kindOf(one)), (counts.get(keyOf(kindOf(one))) ?? 0) + 1);
  const [usual] = [...counts].sort((a, b) => b[1] - a[1])[0] ?? [''];
  const kept = heard.filter((one) => keyOf(kindOf(one)) === usual);
  const problems = heard
    .filter((one) => keyOf(kindOf(one)) !== usual)
    .map((one) => {
      const [own, common] = [kindOf(one), kindOf(kept[0])];
      const what =
        own.rate !== common.rate
          ? `sampled at ${own.rate} Hz, the others at ${common.rate} Hz; convert it`
          : own.channels !== common.channels
            ? `${own.channels} channels, the others have ${common.channels}`
            : `its embedding has ${own.columns} values, the others have ${common.columns}`;
      return `${one.sample.path}: ${what}; it is left out`;
    });
  return { kept, problems };
}

/** A row per recording, a matrix per channel; several pieces are averaged. */
export function rowsByChannel(heard: readonly Heard[]): Rows {
  const { columns, channels: count } = heard[0].recording;
  const channels = Array.from({ length: count }, (_, c): Matrix => {
    const values = new Float32Array(heard.length * columns);
    for (const [i, { recording }] of heard.entries()) {
      for (let s = 0; s < recording.segments; s++) {
        const from = (s * count + c) * columns;
        for (let d = 0; d < columns; d++) values[i * columns + d] += recording.values[from + d] / recording.segments;
      }
    }
    return { values, rows: heard.length, columns };
  });
  return { ...describe(heard, () => 1), channels };
}

/** A row per recording, channel and piece, in that order. */
export function rowsByPiece(heard: readonly Heard[]): Rows {
  const { columns } = heard[0].recording;
  const total = heard.reduce((sum, { recording }) => sum + recording.channels * recording.segments, 0);
  const values = new Float32Array(total * columns);
  let row = 0;
  for (const { recording } of heard) {
    for (let c = 0; c < recording.channels; c++) {
      for (let s = 0; s < recording.segments; s++) {
        const from = (s * recording.channels + c) * columns;
        values.set(recording.values.subarray(from, from + columns), row++ * columns);
      }
    }
  }
  return {
    ...describe(heard, ({ recording }) => recording.channels * recording.segments),
    channels: [{ values, rows: total, columns }],
  };
}

function describe(heard: readonly Heard[], rowsOf: (one: Heard) => number): Omit<Rows, 'channels'> {
  const rows: Omit<Rows, 'channels'> = {
    names: [],
    labels: [],
    takes: [],
    channelTakes: [],
    contents: [],
    samples: [],
  };
  for (const one of heard) {
    const { sample, content, recording } = one;
    for (let r = 0; r < rowsOf(one); r++) {
      const channel = sample.attributes.microphone ?? sample.channel ?? Math.floor(r / recording.segments) + 1;
      rows.names.push(sample.path);
      rows.labels.push(sample.label);
      rows.takes.push(sample.take);
      rows.channelTakes.push(`${sample.take}#${channel}`);
      rows.contents.push(content);
      rows.samples.push(sample);
    }
  }
  return rows;
}

/** Rows of several encoders side by side: those that all of them have, in the order of the first. */
export function commonRows(parts: readonly (readonly Heard[])[]): Heard[][] {
  const byId = parts.map((part) => new Map(part.map((one) => [idOf(one.sample), one])));
  const wanted = parts[0].map(({ sample }) => idOf(sample)).filter((id) => byId.every((known) => known.has(id)));
  return byId.map((known) => wanted.map((id) => known.get(id) as Heard));
}

const idOf = ({ path, read, record }: Sample): string => JSON.stringify([path, read?.variable, record]);
