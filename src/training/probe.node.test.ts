import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { maxDifference } from '../../tests/golden.ts';
import { parameterShapes } from '../encoders/build.ts';
import type { Architecture } from '../encoders/family.ts';
import { namedArchitectures } from '../encoders/load.node.ts';
import { InputError } from '../signal/errors.ts';
import { createRandom } from '../signal/simulate/random.ts';
import { createWavFolder, type WavFolder } from '../signal/wav-folder.test-util.ts';
import { initialParameters } from './initialise.ts';
import { createProbe } from './probe.node.ts';
import { initialState } from './step.ts';

const architecture = namedArchitectures.get('echo-tiny') as Architecture;
const shapes = parameterShapes(architecture);
const state = initialState(
  { shapes, trainedNames: [...shapes.keys()], teacherNames: [] },
  initialParameters(shapes, 3, 0.02),
);

let folder: WavFolder;
beforeAll(() => {
  folder = createWavFolder();
});
afterAll(() => folder.remove());

/** A tone in a little noise, another draw of it for every name. */
function tone(name: string, hertz: number, { seconds = 0.5, sampleRate = 8000 } = {}): Float32Array {
  const random = createRandom(name);
  const phase = random.uniform(0, 6);
  return Float32Array.from(
    { length: seconds * sampleRate },
    (_, i) => Math.sin((2 * Math.PI * hertz * i) / sampleRate + phase) + random.gaussian(0, 0.01),
  );
}
const record = (name: string, channels: Float32Array[], sampleRate = 8000) =>
  folder.record(name, { channels, sampleRate });

const accuracyOf = async (name: string) => (await createProbe(folder.path(name), architecture))(state);

describe('createProbe', () => {
  it('finds tones of two labels, which even random weights tell apart', async () => {
    for (const k of [1, 2, 3]) {
      record(`good/low/${k}.wav`, [tone(`low ${k}`, 300)]);
      record(`good/high/${k}.wav`, [tone(`high ${k}`, 3000)]);
    }
    expect(await accuracyOf('good')).toEqual({ knnAccuracy: 1 });
  });

  it('counts those whose nearest bears another label', async () => {
    for (const k of [1, 2]) {
      record(`partly/low/${k}.wav`, [tone(`low ${k}`, 300)]);
      record(`partly/high/${k}.wav`, [tone(`high ${k}`, 3000)]);
      record(`partly/label ${k}/1.wav`, [tone(`middle ${k}`, 1200)]);
    }
    expect(await accuracyOf('partly')).toEqual({ knnAccuracy: 4 / 6 });
    record('swapped/a/1.wav', [tone('low 1', 300)]);
    record('swapped/a/2.wav', [tone('high 1', 3000)]);
    record('swapped/b/1.wav', [tone('low 2', 300)]);
    record('swapped/b/2.wav', [tone('high 2', 3000)]);
    expect(await accuracyOf('swapped')).toEqual({ knnAccuracy: 0 });
  });

  it('hears the first channel and the first ten seconds, and compares recordings of one rate', async () => {
    const begun = { low: 300, high: 800 };
    for (const k of [1, 2]) {
      // What follows, and what the second channel holds, would pair each with one of the other label.
      const after = tone(`after ${k}`, [450, 600][k - 1], { seconds: 40, sampleRate: 2000 });
      for (const [label, hertz] of Object.entries(begun)) {
        const start = tone(`${label} ${k}`, hertz, { seconds: 10, sampleRate: 2000 });
        record(
          `long/${label}/${k}.wav`,
          [Float32Array.of(...start, ...after), Float32Array.of(...after, ...start)],
          2000,
        );
      }
    }
    // Nothing to compare with: it counts neither way.
    record('long/other/1.wav', [tone('other', 300)]);
    expect(await accuracyOf('long')).toEqual({ knnAccuracy: 1 });
  });

  it('leaves the state as it was', async () => {
    const before = new Map(Array.from(state.parameters, ([name, values]) => [name, values.slice()]));
    const probe = await createProbe(folder.path('good'), architecture);
    expect(await probe(state)).toEqual(await probe(state));
    for (const [name, values] of before) expect(maxDifference(state.parameters.get(name) ?? [], values), name).toBe(0);
  });

  it('refuses a folder without labels, and one where nothing can be compared', async () => {
    record('flat/1.wav', [tone('1', 300)]);
    record('flat/2.wav', [tone('2', 300)]);
    const flat = createProbe(folder.path('flat'), architecture);
    await expect(flat).rejects.toBeInstanceOf(InputError);
    await expect(flat).rejects.toThrow(/expected a folder for every label in .*flat/);
    record('rates/a/1.wav', [tone('1', 300)]);
    record('rates/b/1.wav', [tone('2', 300, { sampleRate: 16_000 })], 16_000);
    const rates = createProbe(folder.path('rates'), architecture);
    await expect(rates).rejects.toBeInstanceOf(InputError);
    await expect(rates).rejects.toThrow(
      `probe: expected at least two labelled recordings of one rate in ${folder.path('rates')}, found none`,
    );
  });
});
