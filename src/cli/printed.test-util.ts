// What a command prints, for tests that run it in their own process.
import { expect, vi } from 'vitest';

/** What was printed on standard output by a command that ends well; standard error is not shown. */
export async function printed(run: () => Promise<number>): Promise<string> {
  let text = '';
  const errors = vi.spyOn(process.stderr, 'write').mockReturnValue(true);
  const output = vi.spyOn(process.stdout, 'write').mockImplementation((chunk) => {
    text += chunk;
    return true;
  });
  try {
    expect(await run()).toBe(0);
  } finally {
    errors.mockRestore();
    output.mockRestore();
  }
  return text;
}
