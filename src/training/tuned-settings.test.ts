import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import type { TunedConfig } from '../encoders/config-hints.ts';
import { loadEncoder } from '../encoders/load.node.ts';
import { readSafetensors, writeSafetensors } from '../graph/safetensors.ts';
import { InputError } from '../signal/errors.ts';
import { tunedExample, writeTuned } from './tuned.test-util.ts';

const folder = mkdtempSync(join(tmpdir(), 'thrum-tuned-'));
afterAll(() => rmSync(folder, { recursive: true }));
const at = (name: string): string => join(folder, name);

const crops = { sampleRate: 8000, cropSamples: 1600, hopSamples: 1600 };
const pooling = { mix: true, pooling: 'mean', embedding: 8, segments: { heads: 2, hidden: 16 } } as const;
const labels = { names: ['hum', 'rattle', 'still'], several: false };

describe('a file of a fine-tuned encoder with other settings', () => {
  const example = tunedExample('echo', { ...crops, ...pooling, labels });
  writeTuned(example, at('whole.safetensors'));
  const { tensors, metadata } = readSafetensors(readFileSync(at('whole.safetensors')));
  const { tuned } = JSON.parse(metadata.thrum).hints as { tuned: TunedConfig };

  /** The weights with settings beside them, or none. */
  async function opened(settings: string | undefined, without?: string): Promise<string> {
    const kept = new Map([...tensors].filter(([name]) => name !== without));
    writeFileSync(at('other.safetensors'), writeSafetensors(kept, settings === undefined ? {} : { thrum: settings }));
    try {
      const encoder = await loadEncoder({ encoder: at('other.safetensors') });
      await encoder.release();
      return 'opened';
    } catch (error) {
      expect(error).toBeInstanceOf(InputError);
      return (error as Error).message;
    }
  }
  const hints = (changes: object) => JSON.stringify({ hints: { family: 'tuned', tuned: { ...tuned, ...changes } } });

  it('is read as it was written', async () => {
    expect(await opened(hints({}))).toBe('opened');
  });

  it.each<[string, string | undefined, RegExp]>([
    [
      'none',
      undefined,
      /expected the settings of a fine-tuned encoder beside its weights, found none; restore the file/,
    ],
    ['no JSON', '{', /the settings in other\.safetensors are damaged/],
    [
      'the family alone',
      JSON.stringify({ hints: { family: 'tuned' } }),
      /expected the settings of a fine-tuned encoder/,
    ],
    ['no crops', hints({ cropSamples: 0 }), /are damaged/],
    ['an unknown pooling', hints({ pooling: 'last' }), /are damaged/],
    ['no names', hints({ labels: { names: [], several: false } }), /are damaged/],
    [
      'an unknown family below',
      hints({ base: { family: 'whale', hints: {} } }),
      /expected a family of echo, fisher, .* below a fine-tuned encoder, got whale/,
    ],
    [
      'a fine-tuned encoder below',
      hints({ base: { family: 'tuned', hints: {} } }),
      /below a fine-tuned encoder, got tuned/,
    ],
    ['another width', hints({ embedding: 10 }), /expected head\.\S+ of shape \[\S*10\S*\], got \[/],
    ['a width that does not divide', hints({ embedding: 9 }), /expected settings that fit .*, 2 heads for 9 values; /],
    [
      'fewer labels',
      hints({ labels: { names: ['hum', 'still'], several: false } }),
      /expected head\.classes\.weight of shape \[2,8\], got \[3,8\]/,
    ],
    ['another family below', hints({ base: { family: 'fisher', hints: {} } }), /expected a tensor modality_encoders/],
    ['a crop without a frame', hints({ cropSamples: 20 }), /expected settings that fit .*, got crops of 20 samples/],
  ])('%s: one line', async (_, settings, message) => {
    expect(await opened(settings)).toMatch(message);
  });

  it('pools the class tokens of an encoder that has none: one line', async () => {
    const other = tunedExample('ced', {
      sampleRate: 16_000,
      cropSamples: 8000,
      hopSamples: 8000,
      mix: false,
      pooling: 'mean',
    });
    writeTuned(other, at('ced.safetensors'));
    const own = readSafetensors(readFileSync(at('ced.safetensors')));
    const thrum = own.metadata.thrum.replaceAll('"pooling":"mean"', '"pooling":"cls"');
    writeFileSync(at('ced.safetensors'), writeSafetensors(own.tensors, { thrum }));
    await expect(loadEncoder({ encoder: at('ced.safetensors') })).rejects.toThrow(
      /expected settings that fit .*, pooling cls; /,
    );
  });

  it('lacking a tensor: one line', async () => {
    expect(await opened(hints({}), 'head.segments.norm.running_var')).toMatch(
      /lacks the tensor head\.segments\.norm\./,
    );
  });
});
