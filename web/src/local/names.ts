// Names of the encoders that the page offers by itself, apart from them: the page is not to load the library.

/** The recommended one first. */
export const localEncoders = ['thrum-1', 'spectral-shape-10ms', 'spectral'] as const;
