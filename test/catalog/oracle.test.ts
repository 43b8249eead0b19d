/**
 * Generated questions over a generated store, answered by a real server and by a Python program that reads the run folders by their
 * documentation and asks DuckDB. The two share no code. `TRAINYARD_ORACLE=<seed>,<questions>` draws others, or more.
 */
import path from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, expect, it } from "vitest";
import { LiveServer } from "../http/live-server.ts";
import { python } from "../support/machine.ts";
import { runProgram } from "../support/processes.ts";
import { addGeneratedRuns, generatedRun } from "./generated-store.ts";

const [seed = 1, questions = 1000] = (process.env["TRAINYARD_ORACLE"] ?? "").split(",").filter(Boolean).map(Number);
const RUNS = 160;

let live: LiveServer;
beforeAll(async () => {
  live = await LiveServer.folder();
  await addGeneratedRuns(live.store, fc.sample(generatedRun, { numRuns: RUNS, seed }));
  await live.start();
});
afterAll(() => live.remove());

it(`${questions} generated questions have the answers that DuckDB gives (seed ${seed})`, { timeout: 600_000 }, async () => {
  const { url, token } = live.server;
  const program = path.resolve("test/catalog/oracle/main.py");
  const { code, stdout, stderr } = await runProgram(python(), [program, url, token, live.store, String(seed), String(questions)], {
    env: { PYTHONDONTWRITEBYTECODE: "1" },
    timeoutMs: 600_000,
  });
  expect([code, stderr]).toEqual([0, ""]);
  const found = JSON.parse(stdout) as { runs: number; fields: number; selective: number; differences: string[] };
  expect(found.differences.slice(0, 20)).toEqual([]);
  expect(found).toMatchObject({ runs: RUNS });
  // Filters that choose all runs or none would prove little.
  expect(found.selective).toBeGreaterThan(questions / 4);
});
