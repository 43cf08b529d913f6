// A folder whose files are listed before anything is read, and what the path of a file says.

export type Folder = {
  /** Paths relative to the folder, forward slashes, sorted by code unit. */
  files: readonly string[];
  /** Text of a small file (ground truth, lists). @throws InputError if it cannot be read. */
  readText(path: string): string;
};

/** Last part of a path: `audio/1-100032-A-0.wav` -> `1-100032-A-0.wav`. */
export const baseName = (path: string): string => path.slice(path.lastIndexOf('/') + 1);

/** All but the last part of a path, empty where there is only one: `audio/1-100032-A-0.wav` -> `audio`. */
export const folderName = (path: string): string => path.slice(0, Math.max(0, path.lastIndexOf('/')));

/** Last part of a path without its ending: `audio/1-100032-A-0.wav` -> `1-100032-A-0`. */
export const stemOf = (path: string): string => baseName(path).replace(/\.[^.]*$/, '');

/** Endings of sound files, whatever a copy of the data set was converted to. */
export const isSound = (path: string): boolean => /\.(wav|flac|ogg|opus|mp3)$/i.test(path);

/** Endings of files that no copy is converted from. */
export const isWav = (path: string): boolean => /\.wav$/i.test(path);
export const isMat = (path: string): boolean => /\.mat$/i.test(path);
export const isCsv = (path: string): boolean => /\.csv$/i.test(path);
