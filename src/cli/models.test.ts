import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it, vi } from 'vitest';
import { randomWeights } from '../encoders/build.ts';
import { studentCost } from '../encoders/student-cost.ts';
import { studentArchitecture, studentSizes } from '../encoders/student-family.ts';
import { studentFile } from '../encoders/student-tensors.ts';
import { modelsCommand } from './models.ts';

const folder = mkdtempSync(join(tmpdir(), 'models-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** What `thrum models ARGS` prints, as JSON. */
async function printed(args: string[], json: boolean): Promise<Record<string, unknown>> {
  let text = '';
  const spy = vi.spyOn(process.stdout, 'write').mockImplementation((chunk) => {
    text += String(chunk);
    return true;
  });
  try {
    await modelsCommand.run(args, { json });
  } finally {
    spy.mockRestore();
  }
  return JSON.parse(text);
}

it('info says what a student costs, with its layers where a program asks', async () => {
  const { scenes: config } = studentSizes;
  const path = join(folder, 'scenes.safetensors');
  writeFileSync(path, studentFile({ config, tensors: randomWeights(studentArchitecture(config), 1) }));
  const { layers, ...cost } = studentCost(config);
  const facts = { id: path, family: 'student', config, ...cost, weights: path };
  expect(await printed(['info', path], false)).toEqual(facts);
  expect(await printed(['info', path], true)).toEqual({ ...facts, layers });
  expect(await printed(['info', 'student-scenes'], false)).toEqual({ ...facts, id: 'student-scenes', weights: null });
});
