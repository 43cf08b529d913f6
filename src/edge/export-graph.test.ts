import { describe, expect, it } from 'vitest';
import { maxDifference } from '../../tests/golden.ts';
import { buildEncoder } from '../encoders/build.ts';
import { parseOnnxSettings } from '../encoders/onnx-settings.ts';
import { tinyEncoder, tinyNames } from '../encoders/tiny-encoders.test-util.ts';
import type { Encoder } from '../encoders/types.ts';
import { loadProgram } from '../graph/program.ts';
import type { Recording } from '../signal/recording.ts';
import { createRandom } from '../signal/simulate/random.ts';
import { exportGraph, type GraphFormat } from './export-graph.ts';

function noise(seconds: number, sampleRate: number): Recording {
  const random = createRandom(`${seconds} ${sampleRate}`);
  const channel = Float32Array.from({ length: Math.round(seconds * sampleRate) }, () => random.gaussian(0, 0.1));
  return { channels: [channel], sampleRate, name: `noise of ${seconds} s` };
}

async function vectorsOf(encoder: Encoder, recordings: readonly Recording[]): Promise<Float32Array[]> {
  const embeddings = await encoder.embedMany(recordings);
  await encoder.release();
  return embeddings.map(({ vector }) => vector);
}

/** Embeddings of a tiny encoder, and of its export. */
async function bothWays(name: string, format: GraphFormat, recordings: readonly Recording[]) {
  const { architecture, weights } = tinyEncoder(name);
  const exported = await exportGraph({ id: name, architecture, weights }, format);
  const program = await loadProgram(exported.bytes);
  return {
    settings: exported.settings,
    before: await vectorsOf(await buildEncoder(name, architecture, weights), recordings),
    after: await vectorsOf(exported.encoderOn(program), recordings),
  };
}

/** A tiny AudioMAE hears 64 frames at once, and the others more. */
const sounds = [noise(0.3, 16_000), noise(0.64, 16_000), noise(0.41, 22_050)];
const largest = (vectors: readonly Float32Array[]): number =>
  Math.max(...vectors.map((vector) => vector.reduce((most, value) => Math.max(most, Math.abs(value)), 0)));

describe.each(tinyNames)('%s', (name) => {
  it('onnx: the embeddings of the encoder, whatever feeds the graph', async () => {
    const { before, after } = await bothWays(name, 'onnx', sounds);
    for (const [i, vector] of before.entries()) {
      expect(maxDifference(after[i], vector)).toBeLessThan(2e-5 * largest(before));
    }
  });
});

describe('settings', () => {
  it.each(['wav2vec2', 'wavlm', 'beats', 'eat', 'audiomae'])('%s: those of --encoder model.onnx', async (name) => {
    const { architecture, weights } = tinyEncoder(name);
    const { settings } = await exportGraph({ id: name, architecture, weights }, 'onnx-fp16');
    expect(parseOnnxSettings(JSON.stringify(settings), 'x.json')).toEqual(settings);
  });

  it.each(['echo', 'fisher', 'ced'])('%s: a description, which --encoder refuses with what to do', async (name) => {
    const { architecture, weights } = tinyEncoder(name);
    const { settings } = await exportGraph({ id: name, architecture, weights }, 'onnx-fp16');
    expect(settings).toMatchObject({ family: name, config: architecture.config });
    const [first] = settings.inputs as { name: string }[];
    expect(first.name).toBe('patches');
    const stored = JSON.stringify({ ...settings, export: {} });
    expect(() => parseOnnxSettings(stored, 'x.json')).toThrow(/x\.json: describes the inputs.*use the weights/);
  });
});

it('windows of a long recording: WavLM in windows of 10 s', async () => {
  const { before, after } = await bothWays('wavlm', 'onnx', [noise(12.3, 16_000)]);
  expect(maxDifference(after[0], before[0])).toBeLessThan(2e-5 * largest(before));
});

it('operators of the ONNX standard alone, and an error that names a missing tensor', async () => {
  const { architecture, weights } = tinyEncoder('echo');
  const { bytes } = await exportGraph({ id: 'echo', architecture, weights }, 'onnx');
  expect(new TextDecoder('latin1').decode(bytes)).not.toContain('MultiHeadAttention');
  const less = new Map([...weights].filter(([key]) => key !== 'norm.weight'));
  await expect(exportGraph({ id: 'echo', architecture, weights: less }, 'onnx')).rejects.toThrow(/lacks.*norm\.weight/);
});
