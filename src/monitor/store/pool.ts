// A few connections, used by one at a time, and replaced when they are lost.
import type { Query } from './sql.ts';

export type Connection = {
  query: Query;
  /** Can no longer be used. */
  isLost(): boolean;
  /** Ends it at once; what it is doing fails. */
  end(): Promise<void>;
};

export type Pool = {
  /** Lends a connection to `work`, as soon as one is free. */
  use<T>(work: (connection: Connection) => Promise<T>): Promise<T>;
  /** Waits for what is being done, then ends all. */
  close(): Promise<void>;
};

/** At most `most` connections, made when they are needed. */
export function createPool(connect: () => Connection, most: number): Pool {
  const idle: Connection[] = [];
  const waiting: ((connection: Connection) => void)[] = [];
  const lent = new Set<Promise<unknown>>();
  let count = 0;

  const take = async (): Promise<Connection> => {
    for (let free = idle.pop(); free; free = idle.pop()) {
      if (!free.isLost()) return free;
      count--;
      free.end().catch(() => {});
    }
    if (count === most) return new Promise((resolve) => waiting.push(resolve));
    const made = connect();
    count++;
    return made;
  };
  const giveBack = (used: Connection): void => {
    let free = used;
    if (used.isLost()) {
      used.end().catch(() => {});
      if (waiting.length === 0) {
        count--;
        return;
      }
      free = connect();
    }
    const next = waiting.shift();
    if (next) next(free);
    else idle.push(free);
  };
  const lend = async <T>(work: (connection: Connection) => Promise<T>): Promise<T> => {
    const connection = await take();
    try {
      return await work(connection);
    } finally {
      giveBack(connection);
    }
  };

  return {
    use(work) {
      const done = lend(work);
      lent.add(done);
      const forget = () => void lent.delete(done);
      done.then(forget, forget);
      return done;
    },
    async close() {
      await Promise.allSettled(lent);
      await Promise.all(idle.splice(0).map((connection) => connection.end()));
    },
  };
}
