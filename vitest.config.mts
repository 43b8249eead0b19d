import process from "node:process";
import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    exclude: ["test/integration/**", "test/e2e/**", "test/faults/**"],
    environment: "node",
    setupFiles: ["test/support/random.ts"],
    // As in the suites of whole processes: these start servers and browsers too. One that passes at the second try only is named.
    retry: process.env["CI"] === "true" ? 1 : 0,
    testTimeout: 60_000,
    hookTimeout: 60_000,
    // The default of one second is short where two processors share everything.
    expect: { poll: { timeout: 10_000 } },
    maxWorkers: 2,
  },
});
