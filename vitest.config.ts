import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['{apps,libs,infra,e2e,tools,bench}/**/*.test.ts'],
    // Daemons start and VMs boot: a test waits for a condition, and this is its last resort.
    testTimeout: 60_000,
    hookTimeout: 120_000,
    pool: 'forks',
  },
});
