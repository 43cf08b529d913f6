// The error that means "the database or the store of blobs fails", not the caller and not the program.

/** One line: which store, what it said, what to do. Names no user and no password. It may be gone at the next try. */
export class StoreError extends Error {
  override readonly name = 'StoreError';
}
