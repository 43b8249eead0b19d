import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["test/e2e/tour/tour.ts", "test/e2e/tour/closer.ts"],
    testTimeout: 240_000,
    hookTimeout: 240_000,
    fileParallelism: false,
    expect: { poll: { timeout: 30_000 } },
  },
});
