import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { names, predictions, sure } from './scenes.fixture.ts';
import { sceneFigures } from './score.ts';

describe('sceneFigures', () => {
  it('is what a count by hand gives', () => {
    const figures = sceneFigures(predictions, names);
    expect(figures.recordings).toBe(12);
    expect(figures.devices).toEqual([
      { device: 'a', seen: true, accuracy: 1, recordings: 4 },
      { device: 'b', seen: true, accuracy: 0.5, recordings: 4 },
      { device: 's5', seen: false, accuracy: 0.25, recordings: 4 },
    ]);
    expect(figures.seen).toEqual({ value: 0.75 });
    expect(figures.unseen).toEqual({ value: 0.25 });
    expect(figures.decay.value).toBeCloseTo((0.75 - 0.25) / 0.75, 12);
    // Rain: 2 + 2 + 1 of 6; wind: 2 + 0 + 0 of 6.
    expect(figures.classes.map(({ label, recall, support }) => [label, recall.value, support])).toEqual([
      ['rain', 5 / 6, 6],
      ['wind', 2 / 6, 6],
    ]);
    expect(figures.macroAccuracy.value).toBeCloseTo(7 / 12, 12);
    const [right, wrong] = [Math.log(1 + Math.exp(-2)), Math.log(1 + Math.exp(2))];
    expect(figures.logLoss.value).toBeCloseTo((7 * right + 5 * wrong) / 12, 12);
  });

  it('weighs classes equally, however many clips they have', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 40 }), fc.integer({ min: 1, max: 40 }), (rains, winds) => {
        const made = [
          ...Array.from({ length: rains }, () => ({ truth: 'rain', device: 'a', logits: sure('rain') })),
          ...Array.from({ length: winds }, () => ({ truth: 'wind', device: 'a', logits: sure('rain') })),
        ];
        const { macroAccuracy, accuracy } = sceneFigures(made, names);
        expect(macroAccuracy.value).toBeCloseTo(0.5, 12);
        expect(accuracy.value).toBeCloseTo(rains / (rains + winds), 12);
      }),
      { numRuns: 20 },
    );
  });

  it('is undefined for a reason', () => {
    const clean = sceneFigures(predictions.slice(0, 4), names);
    expect(clean.unseen).toEqual({ value: null, reason: 'no unseen devices' });
    expect(clean.decay).toEqual({ value: null, reason: 'no unseen conditions' });
    expect(sceneFigures([], names).logLoss).toEqual({ value: null, reason: 'no recordings' });
    const train = { truth: 'train', device: 'a', logits: sure('rain') };
    const { logLoss, classes } = sceneFigures([...predictions, train], names);
    expect(logLoss).toEqual({ value: null, reason: 'the classifier has no label train' });
    expect(classes.map(({ label, recall }) => [label, recall.value])[1]).toEqual(['train', 0]);
  });

  it('survives large logits', () => {
    const { logLoss } = sceneFigures([{ truth: 'wind', device: 'a', logits: [900, 0] }], names);
    expect(logLoss.value).toBeCloseTo(900, 9);
  });

  it('counts strange devices as unseen, and puts them last', () => {
    const strange = predictions.map((one) => ({ ...one, device: one.device === 'b' ? 'phone' : one.device }));
    expect(sceneFigures(strange, names).devices.map(({ device, seen }) => [device, seen])).toEqual([
      ['a', true],
      ['s5', false],
      ['phone', false],
    ]);
  });

  it('refuses what is no prediction', () => {
    const one = (logits: number[]) => sceneFigures([{ truth: 'rain', device: 'a', logits }], names);
    expect(() => one([1])).toThrow('sceneFigures: expected a finite logit for each of 2 labels, got 1 (1)');
    expect(() => one([1, Number.NaN])).toThrow('got 2 (1, NaN)');
    expect(() => sceneFigures(predictions, ['dog', 'cat'])).toThrow(
      'sceneFigures: expected a classifier of rain, wind, got one of dog, cat; train one on these scenes',
    );
  });
});
