// The data blocks of the page, by the ids of their elements: base64 of gzip.

export const PARTS = { weights: 'part-weights', worker: 'part-worker', runtime: 'part-runtime' } as const;

export type PartName = keyof typeof PARTS;
