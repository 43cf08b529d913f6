import { describe, expect, it } from 'vitest';
import { checkResume, type RunConfig, readRunConfig, writeRunConfig } from './run-config.ts';

const config: RunConfig = { steps: 100, provider: 'cpu', data: { clipSeconds: 2, sources: [{ path: 'a' }] } };

describe('config.json', () => {
  it('gives back what was written, without undefined keys', () => {
    expect(readRunConfig(writeRunConfig({ ...config, workers: undefined }), 'f')).toEqual(config);
  });

  it.each([
    [{ ...config, data: { gain: Number.NaN } }, /got NaN as gain/],
    [{ ...config, extra: () => 1 }, /as extra/],
    [{ ...config, steps: 0.5 }, /the settings do not fit: config\.steps/],
    [{ ...config, provider: 3 as unknown as string }, /config\.provider/],
  ])('refuses settings that JSON or the schema cannot hold', (wrong, message) => {
    expect(() => writeRunConfig(wrong)).toThrow(message);
  });

  it('refuses a damaged file and one of another version', () => {
    expect(() => readRunConfig('{', 'runs/a/config.json')).toThrow(/runs\/a\/config.json is no JSON; restore/);
    expect(() => readRunConfig(writeRunConfig(config).replace('"version": 1', '"version": 2'), 'f')).toThrow(
      /^openRun: f is not of a run that this version can resume \(version/,
    );
  });
});

describe('checkResume', () => {
  it('lets steps grow, and workers and provider change', () => {
    expect(() => checkResume(config, { ...config, steps: 101, workers: 3, provider: 'cuda' }, 'run')).not.toThrow();
    expect(() => checkResume(config, config, 'run')).not.toThrow();
  });

  it.each([
    [{ steps: 99 }, 'expected steps 100 as the run in run began with, got 99; steps may grow, not shrink'],
    [{ data: { ...(config.data as object), clipSeconds: 3 } }, 'expected data.clipSeconds 2 as the run in run began'],
    [{ data: { clipSeconds: 2, sources: [{ path: 'b' }] } }, 'expected data.sources.0.path "a"'],
    [
      { data: { clipSeconds: 2, sources: {} } },
      'expected data.sources [{"path":"a"}] as the run in run began with, got {}',
    ],
    [{ seed: 1 }, 'expected seed nothing as the run in run began with, got 1; give seed as it was'],
    [{ data: undefined, seed: 1 }, 'got nothing (and 1 more)'],
  ])('names key, both values and what to do: %j', (change, message) => {
    expect(() => checkResume(config, { ...config, ...change }, 'run')).toThrow(message);
  });
});
