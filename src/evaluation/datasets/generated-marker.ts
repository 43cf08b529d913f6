// The file that tells a made-up data set from a recorded one.
import type { Folder } from '../files/folder.ts';
import type { GeneratedFile, Sample } from './types.ts';

/** Name of the marker, at the root of a generated data set. */
export const GENERATED_MARKER = 'thrum-generated.json';

/** The marker as a file of the data set. */
export const generatedMarker = (version: string, seed: number): GeneratedFile => ({
  path: GENERATED_MARKER,
  bytes: new TextEncoder().encode(`${JSON.stringify({ generatedBy: 'thrum data generate', version, seed })}\n`),
});

/** Whether samples lie below a marker: one beside them speaks of another data set. */
export const isGenerated = ({ files }: Pick<Folder, 'files'>, samples: readonly Pick<Sample, 'path'>[]): boolean =>
  files
    .filter((path) => path === GENERATED_MARKER || path.endsWith(`/${GENERATED_MARKER}`))
    .map((path) => path.slice(0, -GENERATED_MARKER.length))
    .some((folder) => samples.some(({ path }) => path.startsWith(folder)));
