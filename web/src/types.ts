// The page's own few shapes.

/** Milliseconds since 1970-01-01 UTC. */
export type TimeRange = { fromMs?: number; toMs?: number; limit?: number };

/** A place in a stored recording. */
export type NearestPlace = { machine: string; hash: string; startSeconds: number };

/** A file that could not be used, and why, in one line. */
export type Refused = { file: string; message: string };
