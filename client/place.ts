/** Where a run lies: the attempt that launched this process, or a run folder made here when nobody did (python/trainyard/_standalone.py). */
import { randomUUID } from "node:crypto";
import {
  existsSync,
  fsyncSync,
  closeSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import os from "node:os";
import path from "node:path";
import { idText } from "../protocol/id-text.ts";
import type { AttemptRecord, ExitRecord, ProcessRecord, RunRecord } from "../protocol/run.ts";
import type { ResolvedSpec } from "../protocol/spec.ts";
import type { InitOptions } from "./api.ts";
import { cut } from "./json.ts";

const VERSION = 1;

export interface Place {
  readonly dir: string;
  readonly id: string;
  readonly attempt: number;
  /** The folder was made by this process. */
  readonly standalone: boolean;
}

export function attemptDir({ dir, attempt }: Place): string {
  return path.join(dir, "attempts", String(attempt));
}

/** null in a script that runs by itself. */
export function launchedPlace(env: Readonly<Record<string, string | undefined>>): Place | null {
  const dir = env["TRAINYARD_RUN_DIR"];
  if (dir === undefined || dir === "") return null;
  const attempt = Number.parseInt(env["TRAINYARD_ATTEMPT"] ?? "1", 10);
  const id = env["TRAINYARD_RUN_ID"];
  return {
    dir: path.resolve(dir),
    id: id === undefined || id === "" ? path.basename(path.resolve(dir)) : id,
    attempt: Number.isNaN(attempt) ? 1 : Math.max(1, attempt),
    standalone: false,
  };
}

/** A complete run folder with one running attempt: this process. @throws system error when the store cannot be written */
export function makePlace(options: InitOptions, nowMs: number): Place {
  const now = new Date(nowMs).toISOString();
  const root = findStore(options.store);
  const project = slug(options.project ?? "default");
  const experiment = options.experiment === undefined || options.experiment === "" ? null : slug(options.experiment);
  const id = `run_${idText(nowMs)}`;
  const place = { dir: path.join(root, project, "runs", id), id, attempt: 1, standalone: true };
  mkdirSync(root, { recursive: true });
  ignoreInGit(root);
  for (const folder of [attemptDir(place), path.join(place.dir, "artifacts"), path.join(place.dir, "checkpoints")])
    mkdirSync(folder, { recursive: true });
  const command = [process.execPath, ...process.execArgv, ...process.argv.slice(1)];
  const script = process.argv[1];
  const shown = cut((options.name ?? "").trim(), 200);
  const name = shown === "" ? `${script === undefined ? "node" : path.parse(script).name} ${now.slice(0, 19).replace("T", " ")}` : shown;
  const seed = Number.isSafeInteger(options.seed) ? (options.seed ?? null) : null;
  const description = cut(options.description ?? "");
  const tags = (options.tags ?? [])
    .map((tag) => cut(tag, 80))
    .filter((tag) => tag !== "")
    .slice(0, 100);
  // JSON values are YAML too.
  const spec = {
    name,
    project,
    ...(experiment !== null && { experiment }),
    recipe: "command",
    params: { command },
    cwd: process.cwd(),
    description,
    tags,
    ...(seed !== null && { seed }),
  };
  const lines = Object.entries(spec).map(([key, value]) => `${key}: ${JSON.stringify(value)}`);
  writeAtomic(path.join(place.dir, "spec.yaml"), `# Written by the trainyard client: this run was started by hand.\n${lines.join("\n")}\n`);
  const resolved: ResolvedSpec = {
    run: id,
    recipe: "command",
    params: { command },
    sources: { command: "script" },
    seed,
    run_dir: place.dir,
    checkpoint_dir: path.join(place.dir, "checkpoints"),
    artifact_dir: path.join(place.dir, "artifacts"),
    resume_from: null,
    extra: {},
  };
  writeDocument(path.join(place.dir, "resolved.json"), resolved);
  const attempt: AttemptRecord = {
    version: VERSION,
    number: 1,
    kind: "start",
    resumed_from: null,
    launcher: "none",
    command,
    cwd: process.cwd(),
    env: {},
    python: null,
    grace_seconds: 60,
    created_at: now,
  };
  writeDocument(path.join(attemptDir(place), "attempt.json"), attempt);
  const running: ProcessRecord = { process: identity(), supervisor: null, host: os.hostname() || "unknown", started_at: now };
  writeDocument(path.join(attemptDir(place), "process.json"), running);
  const record: RunRecord = {
    version: VERSION,
    id,
    project,
    experiment,
    name,
    description,
    notes: "",
    tags,
    starred: false,
    archived: false,
    state: "running",
    state_reason: null,
    failure: null,
    recipe: "command",
    seed,
    parent: null,
    attempt: 1,
    created_at: now,
    started_at: now,
    ended_at: null,
    origin: "sdk",
    git: null,
    environment: {
      hostname: os.hostname() || "unknown",
      platform: `${os.type()} ${os.release()}`,
      cpu_count: Math.max(1, os.cpus().length),
      memory_bytes: os.totalmem(),
      gpus: [],
      python: null,
      python_version: null,
      packages: { node: process.versions.node },
    },
  };
  // Last: a folder without run.json is no run, so nobody meets a half-made one.
  writeDocument(path.join(place.dir, "run.json"), record);
  return place;
}

/** exit.json of a run that has no supervisor. @throws system error */
export function writeExit(place: Place, startedMs: number, code: number, stopped: boolean): void {
  const exit: ExitRecord = {
    code,
    signal: null,
    started_at: new Date(startedMs).toISOString(),
    ended_at: new Date().toISOString(),
    escalation: stopped ? "graceful" : "none",
    launch_error: null,
    peak_rss_bytes: process.resourceUsage().maxRSS * 1024,
    by: "sdk",
  };
  writeDocument(path.join(attemptDir(place), "exit.json"), exit);
}

function findStore(given: string | undefined): string {
  const named = given ?? process.env["TRAINYARD_STORE"];
  if (named !== undefined && named !== "") return path.resolve(named.replace(/^~(?=$|\/)/, os.homedir()));
  for (let folder = process.cwd(); ; folder = path.dirname(folder)) {
    const candidate = path.join(folder, ".trainyard");
    if (statSync(candidate, { throwIfNoEntry: false })?.isDirectory() === true) return candidate;
    if (folder === path.dirname(folder)) return path.join(process.cwd(), ".trainyard");
  }
}

/** A text as the name of a folder. */
function slug(text: string): string {
  const name = text
    .replace(/[^A-Za-z0-9._-]+/g, "-")
    .replace(/^[._-]+|[._-]+$/g, "")
    .slice(0, 80);
  return name === "" ? "default" : name;
}

function ignoreInGit(root: string): void {
  const file = path.join(root, ".gitignore");
  if (!existsSync(file)) writeFileSync(file, "*\n");
}

/** This process beyond doubt: a pid alone may have been given to another process since. */
function identity(): ProcessRecord["process"] {
  try {
    const stat = readFileSync("/proc/self/stat", "latin1");
    // The command in field 2 may hold spaces and parentheses; field 22 is the 20th behind the last ")".
    const start = stat
      .slice(stat.lastIndexOf(")") + 1)
      .trim()
      .split(" ")[19];
    const boot = readFileSync("/proc/sys/kernel/random/boot_id", "latin1").trim();
    if (start !== undefined) return { pid: process.pid, start_time: start, boot_id: boot };
  } catch {
    // No Linux.
  }
  return { pid: process.pid, start_time: "unknown", boot_id: "unknown" };
}

function writeDocument(file: string, value: unknown): void {
  writeAtomic(file, `${JSON.stringify(value, null, 2)}\n`);
}

/** A reader sees the old file or the new one, never half of it. */
function writeAtomic(file: string, text: string): void {
  const temporary = `${file}.${randomUUID()}.tmp`;
  try {
    const fd = openSync(temporary, "wx", 0o644);
    try {
      writeSync(fd, text);
      fsyncSync(fd);
    } finally {
      closeSync(fd);
    }
    renameSync(temporary, file);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw error;
  }
}
