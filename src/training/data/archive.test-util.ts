// Tar archives for tests, header by header.

export type TarFile = { path: string; content: Uint8Array; type?: string; prefix?: string };

const BLOCK = 512;

function header({ path, content, type = '0', prefix = '' }: TarFile): Uint8Array {
  const block = new Uint8Array(BLOCK);
  const put = (at: number, value: string) => block.set(new TextEncoder().encode(value), at);
  put(0, path);
  put(100, '0000644\0');
  put(124, `${content.length.toString(8).padStart(11, '0')}\0`);
  put(136, '00000000000\0');
  put(148, ' '.repeat(8));
  put(156, type);
  put(257, 'ustar\u000000');
  put(345, prefix);
  const sum = block.reduce((total, byte) => total + byte, 0);
  put(148, `${sum.toString(8).padStart(6, '0')}\0 `);
  return block;
}

/** A tar archive of files in order, with the two blocks of zeros at its end. */
export function writeTar(files: readonly TarFile[]): Uint8Array {
  const parts = files.flatMap((file) => [
    header(file),
    file.content,
    new Uint8Array((BLOCK - (file.content.length % BLOCK)) % BLOCK),
  ]);
  return new Uint8Array(Buffer.concat([...parts, new Uint8Array(2 * BLOCK)]));
}
