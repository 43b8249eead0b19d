// `npm start`: sets up what is missing, starts the run server on a demo store and trains the demo for real.
// `npm start -- --once` ends with the demo; its last line on stdout is one JSON object.
import { mkdir, readFile } from "node:fs/promises";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { ensureBuild, ensureNodePackages } from "./lib/node-env.mjs";
import { ProgressLine } from "./lib/progress-line.mjs";
import { ensurePython } from "./lib/python-env.mjs";
import { restClient, startServer } from "./lib/server-process.mjs";
import { root, runMain, say, step } from "./lib/steps.mjs";

const FOLDER = path.join(root, ".demo");
const STORE = path.join(FOLDER, ".trainyard");
const FINAL = new Set(["completed", "failed", "cancelled", "interrupted"]);
const POLL_MS = 500;

const once = process.argv.includes("--once");
const progress = new ProgressLine(process.stdout);
const interrupted = new AbortController();
process.once("SIGINT", () => interrupted.abort());
process.once("SIGTERM", () => interrupted.abort());

await runMain(async () => {
  await ensureNodePackages();
  await ensureBuild();
  const python = await ensurePython();
  await mkdir(FOLDER, { recursive: true });
  await step("preparing the demo's data", "The messages above say why.", python, ["-m", "trainyard.demo", "prepare", FOLDER], {
    env: { PYTHONPATH: path.join(root, "python") },
  });
  const server = await startServer(STORE);
  try {
    await demo(server.discovery, python);
  } finally {
    await server.stop();
  }
});

async function demo(discovery, python) {
  const call = restClient(discovery);
  const urlOf = (id) => `${discovery.url.replace(/\/$/, "")}/#token=${discovery.token}&run=${id}`;

  const base = await train(call, urlOf, await readSpec("addition.run.yaml", python));
  let adapter = null;
  if (base.state === "completed") {
    const spec = await readSpec("adapter.run.yaml", python);
    spec.params = { ...spec.params, model: path.join(base.run_dir, "artifacts", "model") };
    adapter = await train(call, urlOf, spec);
  }
  const summary = { ...(await summarise(call, urlOf, base)), adapter: adapter === null ? null : await summarise(call, urlOf, adapter) };
  const completed = base.state === "completed" && adapter?.state === "completed";
  if (!completed) process.exitCode = interrupted.signal.aborted ? 130 : 1;
  if (!once && !interrupted.signal.aborted) {
    progress.print(`The server stays up: ${urlOf(base.id)}   (Ctrl+C ends it)`);
    await untilInterrupted();
  }
  if (once) progress.print(JSON.stringify(summary));
}

async function readSpec(name, python) {
  const { parse } = await import("yaml"); // installed by now
  const spec = parse(await readFile(path.join(FOLDER, name), "utf8"));
  return { ...spec, python: spec.python ?? python };
}

/** Starts a run and shows its progress until it has ended. */
async function train(call, urlOf, spec) {
  let run = await call("POST", "/api/runs", { spec, base_dir: FOLDER });
  progress.print(`${run.name}: ${urlOf(run.id)}`);
  while (!FINAL.has(run.state)) {
    await sleep(POLL_MS, undefined, { signal: interrupted.signal }).catch(() => undefined);
    if (interrupted.signal.aborted) return stop(call, run);
    run = await call("GET", `/api/runs/${run.id}`);
    progress.update(describe(run));
  }
  progress.print(
    `${run.name}: ${run.state}${run.state === "completed" ? "" : ` (${run.state_reason ?? "no reason given"})`} · ${describe(run)}`,
  );
  if (run.failure !== null) say(`  ${run.failure.message}\n  ${run.failure.advice}`);
  return run;
}

/** Ctrl+C in the demo means the demo: its training is stopped too, with a final checkpoint. */
async function stop(call, run) {
  progress.print(`${run.name}: stopping …`);
  let now = await call("POST", `/api/runs/${run.id}/cancel`, { reason: "the demo was ended", grace_seconds: 15 });
  while (!FINAL.has(now.state)) {
    await sleep(POLL_MS);
    now = await call("GET", `/api/runs/${run.id}`);
  }
  return now;
}

async function summarise(call, urlOf, run) {
  const { checkpoints } = await call("GET", `/api/runs/${run.id}/checkpoints`);
  const loss = trainLoss(run);
  const exactMatch = Object.entries(run.metrics).find(([name]) => /exact_match(_accuracy)?$/.test(name))?.[1];
  return {
    run_id: run.id,
    name: run.name,
    status: run.state,
    steps: run.progress?.step ?? 0,
    first_train_loss: loss?.first ?? null,
    last_train_loss: loss?.last ?? null,
    exact_match: exactMatch?.last ?? null,
    checkpoints: checkpoints
      .filter((checkpoint) => checkpoint.status === "complete")
      .sort((a, b) => a.step - b.step)
      .map((checkpoint) => checkpoint.name),
    seconds: run.progress?.elapsed_seconds ?? null,
    dashboard_url: urlOf(run.id),
  };
}

function trainLoss(run) {
  return run.metrics["loss"] ?? run.metrics["train/loss"] ?? run.metrics["train_loss"];
}

function describe(run) {
  const at = run.progress;
  if (at === null) return `${run.name}: ${run.state}`;
  const parts = [`step ${at.step}${at.max_steps === null ? "" : `/${at.max_steps}`}`];
  const loss = trainLoss(run)?.last;
  if (typeof loss === "number") parts.push(`loss ${loss.toFixed(4)}`);
  if (at.eta_seconds !== null && !FINAL.has(run.state)) parts.push(`ETA ${Math.round(at.eta_seconds)} s`);
  return `${run.name}: ${parts.join(" · ")}`;
}

function untilInterrupted() {
  return new Promise((resolve) => {
    if (interrupted.signal.aborted) resolve();
    interrupted.signal.addEventListener("abort", resolve, { once: true });
    // An open signal handler alone does not keep Node running.
    const keep = setInterval(() => undefined, 60_000);
    interrupted.signal.addEventListener("abort", () => clearInterval(keep), { once: true });
  });
}
