import { describe, expect, it } from 'vitest';
import { InputError } from '../signal/errors.ts';
import { parseOnnxSettings, plainFrontEnd, SETTINGS_EXAMPLE } from './onnx-settings.ts';

const wave = { frontEnd: { kind: 'waveform' }, shape: ['1', 'samples'], pooling: 'none' };
const kaldi = { frontEnd: { kind: 'kaldi' }, shape: ['1', 'frames', 'mels'], pooling: 'mean' };
const parse = (value: unknown) => parseOnnxSettings(JSON.stringify(value), 'peers/m.json');

describe('parseOnnxSettings', () => {
  it('takes its own example', () => {
    expect(parseOnnxSettings(SETTINGS_EXAMPLE, 'm.json')).toEqual({ rate: 16000, ...wave });
  });

  it('takes every key, and fills in the rule of windows', () => {
    const all = {
      ...kaldi,
      rate: 8000,
      input: 'x',
      output: 'y',
      frontEnd: {
        kind: 'kaldi',
        mels: 64,
        frameLength: 25,
        frameShift: 10,
        window: 'hanning',
        preemphasis: 0,
        removeDcOffset: false,
        lowFreq: 0,
        highFreq: -100,
        snipEdges: false,
        useEnergy: true,
        htkCompat: true,
        usePower: false,
        useLog: false,
        scale: 32768,
        mean: -4,
        deviation: 9,
        frames: 100,
        order: 'pad-first',
      },
      skipTokens: 1,
      window: { seconds: 10, removeMean: 'window', negativeStart: false },
      minSeconds: 0.1,
      parameters: 90310000,
    };
    expect(parse(all)).toEqual({ ...all, window: { ...all.window, remainder: 0, pad: false } });
  });

  it.each([
    ['an unknown key', { ...wave, sampleRate: 1 }, 'sampleRate: unknown key; the known ones are rate, input, output, '],
    [
      'an unknown key of the front end',
      { ...wave, frontEnd: { kind: 'waveform', gain: 2 } },
      'frontEnd.gain: unknown key; the known ones are kind, scale',
    ],
    [
      'an unknown key of the window',
      { ...wave, window: { seconds: 1, hop: 1 } },
      'window.hop: unknown key; the known ones are seconds, remainder, pad, removeMean, negativeStart',
    ],
    [
      'an unknown front end',
      { ...wave, frontEnd: { kind: 'mfcc' } },
      'frontEnd.kind: expected one of waveform, kaldi, ',
    ],
    ['a front end that is none', { ...wave, frontEnd: 'waveform' }, 'frontEnd: Invalid input: expected object'],
    ['a missing front end', { ...wave, frontEnd: undefined }, 'frontEnd: is missing'],
    [
      'a misspelt key',
      { ...wave, pooling: undefined, poling: 'none' },
      'poling: unknown key; the known ones are rate, input, output, frontEnd, shape, pooling, ',
    ],
    ['a missing pooling', { ...wave, pooling: undefined }, 'pooling: is missing'],
    ['a wrong pooling', { ...wave, pooling: 'max' }, 'pooling: Invalid option: expected one of "none"'],
    ['a negative rate', { ...wave, rate: -1 }, 'rate: Too small'],
    ['a window without length', { ...wave, window: {} }, 'window.seconds: is missing'],
    ['an unknown axis', { ...wave, shape: ['batch', 'samples'] }, 'shape.0: Invalid option: expected one of "1"'],
    ['a list', [], 'settings: Invalid input: expected object'],
    [
      'features in the shape of a waveform',
      { ...kaldi, shape: ['1', 'samples'] },
      'shape: expected "frames" and "mels" once each and otherwise "1" for the front end kaldi, got ["1","samples"]',
    ],
    ['an axis named twice', { ...wave, shape: ['samples', 'samples'] }, 'shape: expected "samples" once each'],
    ['no axis to fill', { ...wave, shape: ['1'] }, 'shape: expected "samples" once each'],
    ['tokens to skip where none are averaged', { ...kaldi, pooling: 'first', skipTokens: 1 }, 'skipTokens: expected'],
    ['BEATs at another rate', { ...kaldi, frontEnd: { kind: 'beats' }, rate: 8000 }, 'rate: expected 16000 for the'],
    [
      'EAT at any rate',
      { ...kaldi, frontEnd: { kind: 'eat' } },
      'rate: expected 16000 for the front end eat, got none',
    ],
    ['a scale of nothing', { ...wave, frontEnd: { kind: 'waveform', scale: 0 } }, 'frontEnd.scale: expected a factor'],
    [
      'a deviation of nothing',
      { ...kaldi, frontEnd: { kind: 'kaldi', deviation: 0 } },
      'frontEnd.deviation: Too small',
    ],
  ])('refuses %s, and names file and key', (_, value, message) => {
    expect(() => parse(value)).toThrow(InputError);
    expect(() => parse(value)).toThrow(`peers/m.json: ${message}`);
  });

  it('shows what JSON it expects where there is none', () => {
    expect(() => parseOnnxSettings('{rate: 1}', 'm.json')).toThrow(`m.json: expected JSON such as ${SETTINGS_EXAMPLE}`);
  });
});

describe('plainFrontEnd', () => {
  it('spells out the shortcuts', () => {
    expect(plainFrontEnd({ kind: 'beats' })).toMatchObject({ mels: 128, scale: 32768, mean: 15.41663 });
    expect(plainFrontEnd({ kind: 'eat' })).toMatchObject({ window: 'hanning', frames: 1024, order: 'pad-first' });
    expect(plainFrontEnd({ kind: 'eat', frames: 512 })).toMatchObject({ frames: 512 });
  });
});
