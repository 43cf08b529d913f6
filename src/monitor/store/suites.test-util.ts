// The suites of the store, for every database there is.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, it, onTestFinished } from 'vitest';
import { hasPostgres, inPostgres, type PostgresServer, startPostgres } from '../../../tests/postgres-server.ts';
import { openStore } from './open.node.ts';
import { policy } from './store.test-util.ts';
import type { Store } from './types.ts';

/** What a suite is given; `store` and `url` are those of the test that runs. */
export type StoreSuite = {
  store(): Store;
  /** The same store as another process sees it, closed after the test. */
  open(): Promise<Store>;
  /** Whether several processes can. */
  shared: boolean;
};

/** Describes the same tests for memory, a file, and PostgreSQL where it is there. The machine `pump` is stored. */
export function inEveryStore(what: string, suite: (given: StoreSuite) => void): void {
  const folder = mkdtempSync(join(tmpdir(), 'thrum-store-'));
  let server: PostgresServer | undefined;
  let files = 0;
  beforeAll(async () => {
    if (hasPostgres) server = await startPostgres();
  });
  afterAll(async () => {
    rmSync(folder, { recursive: true });
    await server?.stop();
  });
  const databases = [
    { name: 'a store in memory', newUrl: async () => ':memory:', shared: false, missing: false },
    { name: 'a store in a file', newUrl: async () => join(folder, `${files++}.db`), shared: true, missing: false },
    { name: inPostgres('a store'), newUrl: async () => server!.newDatabase(), shared: true, missing: !hasPostgres },
  ];
  describe.each(databases)(`$name: ${what}`, ({ newUrl, shared, missing }) => {
    if (missing) return void it.skip('is not here');
    let store: Store;
    let url: string;
    beforeEach(async () => {
      url = await newUrl();
      store = await openStore(url);
      await store.putMachine({ name: 'pump', policy, createdMs: 1 });
      return () => store.close();
    });
    suite({
      shared,
      store: () => store,
      async open() {
        const opened = await openStore(url);
        onTestFinished(() => opened.close().catch(() => {}));
        return opened;
      },
    });
  });
}
