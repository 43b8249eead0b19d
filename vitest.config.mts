import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    exclude: ["test/integration/**", "test/e2e/**", "test/faults/**"],
    environment: "node",
    testTimeout: 60_000,
    hookTimeout: 60_000,
    // The default of one second is short where two processors share everything.
    expect: { poll: { timeout: 10_000 } },
    maxWorkers: 2,
  },
});
