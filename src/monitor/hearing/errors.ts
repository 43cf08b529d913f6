// Why a pool takes no more work: too much waits, or it closes. Both say nothing of the input; ask again later.

/** More jobs wait than the pool holds. `waiting`: how many. */
export class QueueFullError extends Error {
  override readonly name = 'QueueFullError';
  readonly waiting: number;

  constructor(waiting: number) {
    super(`${waiting} jobs wait for a free thread already; send it again later, or give more threads`);
    this.waiting = waiting;
  }
}

/** The pool was closed before the job began. */
export class PoolClosedError extends Error {
  override readonly name = 'PoolClosedError';

  constructor() {
    super('the pool of threads is closing; send it again later');
  }
}
