// The data blocks of the page as bytes.
import { PARTS, type PartName } from './parts.ts';

/** Takes a block out of the page: its text is not needed again. */
export async function unpack(name: PartName): Promise<Uint8Array<ArrayBuffer>> {
  const element = document.getElementById(PARTS[name]);
  const binary = atob(element?.textContent ?? '');
  element?.remove();
  const gzipped = new Uint8Array(binary.length);
  for (let i = 0; i < gzipped.length; i++) gzipped[i] = binary.charCodeAt(i);
  const stream = new Blob([gzipped]).stream().pipeThrough(new DecompressionStream('gzip'));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

/** The page's worker. A file has no other scripts to start one from, so it comes from the page itself. */
export async function startWorker(): Promise<Worker> {
  const address = URL.createObjectURL(new Blob([await unpack('worker')], { type: 'text/javascript' }));
  const worker = new Worker(address);
  // Only when it has answered is the address no longer needed.
  worker.addEventListener('message', () => URL.revokeObjectURL(address), { once: true });
  return worker;
}
