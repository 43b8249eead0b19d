import { defineConfig } from "vitest/config";

export default defineConfig({
  test: { include: ["test/e2e/tour/tour.ts"], testTimeout: 240_000, hookTimeout: 240_000, expect: { poll: { timeout: 30_000 } } },
});
