import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["test/e2e/**/*.test.ts"],
    testTimeout: 240_000,
    hookTimeout: 120_000,
    // One VS Code at a time: two would only slow each other down.
    fileParallelism: false,
    // The default of one second is short where two processors share everything.
    expect: { poll: { timeout: 10_000 } },
    maxWorkers: 1,
  },
});
