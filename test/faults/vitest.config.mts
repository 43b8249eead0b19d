import process from "node:process";
import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["test/faults/**/*.test.ts"],
    // Real processes on a busy machine. A test that passed at the second try only is named as such in the output: it is a finding, not a red build.
    retry: process.env["CI"] === "true" ? 1 : 0,
    testTimeout: 60_000,
    hookTimeout: 60_000,
    // The default of one second is short where two processors share everything.
    expect: { poll: { timeout: 10_000 } },
    maxWorkers: 1,
  },
});
