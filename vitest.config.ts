import { defineConfig } from 'vitest/config';

/** Where the results go as JSON too, if anyone wants them. */
const json = process.env.THRUM_TEST_JSON;

export default defineConfig({
  test: {
    include: ['src/**/*.test.ts', 'web/**/*.test.ts', 'tests/**/*.test.ts'],
    exclude: ['**/*.slow.test.ts', 'node_modules/**'],
    testTimeout: 120_000,
    hookTimeout: 120_000,
    maxWorkers: 2,
    reporters: json ? ['default', 'json'] : ['default'],
    ...(json && { outputFile: { json } }),
  },
});
