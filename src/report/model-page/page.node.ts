// A model as one HTML file that hears files and the microphone by itself: weights, ONNX Runtime and code are inside.
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { gzipSync } from 'node:zlib';
import { recogniseWeights } from '../../encoders/build.ts';
import { storedHints } from '../../encoders/stored-hints.ts';
import { readSafetensors } from '../../graph/safetensors.ts';
import { InputError } from '../../signal/errors.ts';
import { html, raw } from '../html.ts';
import { ownImages, renderPage } from '../page.ts';
import { modelPageBody } from './body.ts';
import { PARTS, type PartName } from './parts.ts';
import { modelPageStyle } from './style.ts';

export type ModelPageOptions = {
  /** A safetensors file that Thrum wrote: an encoder, fine-tuned or not, or a student. */
  weights: Uint8Array;
  /** Heading of the page, and the name of the model on it. */
  title: string;
  /** Of Thrum. */
  version?: string;
};

const icon = `data:image/svg+xml,${encodeURIComponent('<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><path d="M4 16h4M11 10v12M16 5v22M21 11v10M24 16h4" fill="none" stroke="#1a76bd" stroke-width="3.4" stroke-linecap="round"/></svg>')}`;

/** What the build has put together for the page. @throws InputError if there was no build */
function built(name: '#page/client' | '#page/worker' | '#page/runtime'): Buffer {
  try {
    return readFileSync(createRequire(import.meta.url).resolve(name));
  } catch {
    throw new InputError(
      `modelPage: expected the scripts of the page (${name}) that the build makes, found none; run npm run build, or install Thrum again`,
    );
  }
}

/** Data for the page's script, in an element that no browser runs. */
const part = (name: PartName, gzipped: Uint8Array) =>
  html`<script type="text/plain" id="${PARTS[name]}">${raw(Buffer.from(gzipped).toString('base64'))}</script>\n`;

/** The one script that may run is known by its hash (Content Security Policy Level 3, section 6.7.3.3). */
const hashSource = (script: string): string =>
  `'sha256-${createHash('sha256').update(script, 'utf8').digest('base64')}'`;

/** No text in a script may end or hide its element (HTML standard, "restrictions for contents of script elements"). */
const insideElement = (script: string): string => script.replace(/<(?=\/script|!--)/gi, '\\x3C');

/**
 * A page that runs a model in the browser, as a single string: it opens from a file or any static host, asks for nothing
 * from outside and sends nothing. About 7 MB beside the weights, nearly all of it ONNX Runtime and the readers of files.
 * The same weights and title give the same bytes.
 * @throws InputError if the weights are damaged or of no known family, or Thrum is not built
 * @example
 * await writeFile('student.html', modelPage({ weights: await readFile('student.safetensors'), title: 'Pump house' }));
 */
export function modelPage({ weights, title, version }: ModelPageOptions): string {
  // Better here than in front of whoever opens the page.
  const { tensors, metadata } = readSafetensors(weights, title);
  recogniseWeights(tensors, metadata.thrum === undefined ? {} : storedHints(metadata.thrum, title));
  const script = insideElement(built('#page/client').toString('utf8').trim());
  return renderPage({
    title,
    heading: 'model',
    made: 'runs on this device, sends nothing',
    ...(version !== undefined && { version }),
    icon,
    // What the script itself starts may run too: its worker, and the code that hears the microphone.
    allowed: [`script-src ${hashSource(script)} 'strict-dynamic' 'wasm-unsafe-eval'`, 'worker-src blob:', ownImages],
    styles: [modelPageStyle],
    body: modelPageBody(title, weights.length),
    scripts: html`${part('weights', gzipSync(weights, { level: 9 }))}${part('worker', gzipSync(built('#page/worker'), { level: 9 }))}${part('runtime', built('#page/runtime'))}<script>${raw(script)}</script>`,
  });
}
