/** A folder with its own store, and the `trainyard` command in it, as a user has them. */
import { cp, mkdtemp, readFile, realpath, rm, writeFile } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import type { ApiClient } from "../../protocol/client.ts";
import { ApiError } from "../../protocol/errors.ts";
import type { WireNumber } from "../../protocol/json.ts";
import { fromWireNumber } from "../../protocol/wire-number.ts";
import type { RunDetail, SeriesJson } from "../../protocol/queries.ts";
import type { RunState } from "../../protocol/states.ts";
import { FINAL_STATES } from "../../protocol/state-kinds.ts";
import { builtCli, python, ROOT } from "../support/machine.ts";
import { runProgram, until, type Finished } from "../support/processes.ts";
import { clientOf, endServer } from "../support/store.ts";

export interface Workspace {
  readonly dir: string;
  readonly store: string;
  /** Runs `trainyard …` here. */
  trainyard(args: readonly string[], env?: Readonly<Record<string, string | undefined>>): Promise<Finished>;
  /** Runs `trainyard … --json` and reads its value. @throws Error with its output when it fails */
  json<T>(args: readonly string[]): Promise<T>;
  /** A client of the server that is alive now. */
  client(): Promise<ApiClient>;
  close(): Promise<void>;
}

/** @param files written into the workspace */
export async function openWorkspace(files: Readonly<Record<string, string>> = {}): Promise<Workspace> {
  const dir = await realpath(await mkdtemp(path.join(os.tmpdir(), "trainyard-it-")));
  const store = path.join(dir, ".trainyard");
  await cp(path.join(ROOT, "test", "integration", "scripts"), dir, { recursive: true });
  for (const [name, text] of Object.entries(files)) await writeFile(path.join(dir, name), text);
  const environment = {
    PATH: `${path.dirname(python())}${path.delimiter}${process.env["PATH"] ?? ""}`,
    TRAINYARD_STORE: undefined,
    TRAINYARD_PYTHON: undefined,
    VIRTUAL_ENV: undefined,
    PYTHONPATH: undefined,
    OMP_NUM_THREADS: "1",
    HF_HUB_OFFLINE: "1",
  };
  const trainyard: Workspace["trainyard"] = (args, env = {}) =>
    runProgram(process.execPath, [builtCli(), ...args], { cwd: dir, env: { ...environment, ...env }, timeoutMs: 150_000 });
  return {
    dir,
    store,
    trainyard,
    async json<T>(args: readonly string[]): Promise<T> {
      const split = args.indexOf("--");
      const own = split === -1 ? args : args.slice(0, split);
      const { code, stdout, stderr } = await trainyard([...own, "--json", ...(split === -1 ? [] : args.slice(split))]);
      if (stdout.trim() === "" || ApiError.safeParse(JSON.parse(stdout)).success)
        throw new Error(`trainyard ${args.join(" ")} ended with ${String(code)}\n${stdout}\n${stderr}`);
      return JSON.parse(stdout) as T;
    },
    client: () => clientOf(store),
    async close() {
      await endServer(store);
      await rm(dir, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
    },
  };
}

/** Waits until a run is in one of the states. @throws Error with the end of its log when it ends in another */
export async function untilState(client: ApiClient, id: string, states: readonly RunState[], timeoutMs = 120_000): Promise<RunDetail> {
  const run = await until(
    `run ${id} to be ${states.join(" or ")}`,
    async () => {
      const now = await client.call("getRun", { params: { id } });
      return states.includes(now.state) || FINAL_STATES.has(now.state) ? now : null;
    },
    timeoutMs,
  );
  if (!states.includes(run.state)) throw new Error(`run ${id} is ${run.state} (${run.state_reason ?? ""})\n${await logText(client, run)}`);
  return run;
}

export async function untilStep(client: ApiClient, id: string, step: number): Promise<RunDetail> {
  return until(`step ${step} of ${id}`, async () => {
    const run = await client.call("getRun", { params: { id } });
    if (FINAL_STATES.has(run.state)) throw new Error(`it has ended: ${run.state}\n${await logText(client, run)}`);
    return (run.progress?.step ?? 0) >= step ? run : null;
  });
}

export async function logText(client: ApiClient, run: Pick<RunDetail, "id" | "attempt">, attempt = run.attempt): Promise<string> {
  return Buffer.from(await client.bytes("getRawLog", { params: { id: run.id }, query: { attempt, length: 16_777_216 } })).toString("utf8");
}

/** The joined curve of one metric, every point of it. */
export async function curve(
  client: ApiClient,
  id: string,
  metric: string,
): Promise<{ steps: number[]; values: number[]; attempts: number[] }> {
  // `format=json` makes the answer JSON; the route's own kind is Arrow.
  const answer: SeriesJson = await client.call("getSeries", {
    params: { id },
    query: { metrics: metric, max_points: 1_000_000, format: "json" },
  });
  const series = answer.series.find((one) => one.name === metric);
  if (series === undefined) throw new Error(`run ${id} has no metric ${metric}, but ${answer.series.map((one) => one.name).join(", ")}`);
  return { steps: series.steps, values: series.values.map((value) => fromWireNumber(value as WireNumber)), attempts: series.attempts };
}

export async function readJson<T>(file: string): Promise<T> {
  return JSON.parse(await readFile(file, "utf8")) as T;
}
