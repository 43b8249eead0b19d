// Running the steps of set-up and tests: every failing step says what failed and what to do. Plain Node: nothing is installed yet.
import { spawn } from "node:child_process";
import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { setTimeout as sleep } from "node:timers/promises";

/** The checkout. */
export const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), "../..");

/** A step that could not be done: what failed, what to do about it, and the output that shows why. */
export class StepFailure extends Error {
  /**
   * @param {string} what
   * @param {string} todo
   * @param {string} [output]
   */
  constructor(what, todo, output = "") {
    super(what);
    this.todo = todo;
    this.output = output;
  }
}

/** What people read goes to stderr, so that stdout stays free for results. */
export function say(text) {
  process.stderr.write(`${text}\n`);
}

/** Runs `main`; a StepFailure ends the program with its message, anything else with its stack. */
export async function runMain(main) {
  try {
    await main();
  } catch (error) {
    if (error instanceof StepFailure) {
      if (error.output !== "") say(indent(tail(error.output, 60)));
      say(`\nFailed: ${error.message}\nWhat to do: ${error.todo}`);
    } else {
      say(error instanceof Error ? (error.stack ?? error.message) : String(error));
    }
    process.exitCode = 1;
  }
}

/**
 * Runs a program to its end.
 * @param {string} command
 * @param {readonly string[]} args
 * @param {{ cwd?: string, env?: Record<string, string | undefined>, echo?: boolean, timeoutMs?: number }} [options] `echo` also shows the output as it comes
 * @returns {Promise<{ code: number, stdout: string, output: string }>} `output` holds stdout and stderr as they came
 */
export function capture(command, args, options = {}) {
  return new Promise((resolve) => {
    const child = spawn(command, args, {
      cwd: options.cwd ?? root,
      env: { ...process.env, ...options.env },
      stdio: ["ignore", "pipe", "pipe"],
    });
    let stdout = "";
    let output = "";
    const timer =
      options.timeoutMs === undefined
        ? undefined
        : setTimeout(() => {
            output += `\n(stopped after ${Math.round(options.timeoutMs / 1000)} s)`;
            child.kill("SIGKILL");
          }, options.timeoutMs);
    child.stdout.setEncoding("utf8").on("data", (text) => {
      stdout += text;
      output += text;
      if (options.echo === true) process.stderr.write(text);
    });
    child.stderr.setEncoding("utf8").on("data", (text) => {
      output += text;
      if (options.echo === true) process.stderr.write(text);
    });
    child.on("error", (error) => {
      clearTimeout(timer);
      resolve({ code: 127, stdout, output: `${output}${error.message}` });
    });
    child.on("close", (code) => {
      clearTimeout(timer);
      resolve({ code: code ?? 1, stdout, output });
    });
  });
}

/**
 * A named step: its program must succeed.
 * @param {string} what shown while it runs and when it fails
 * @param {string} todo what to do when it fails
 * @throws {StepFailure}
 */
export async function step(what, todo, command, args, options = {}) {
  const started = Date.now();
  say(`· ${what} …`);
  const result = await capture(command, args, options);
  if (result.code !== 0) throw new StepFailure(`${what} (${[command, ...args].join(" ")} ended with ${result.code})`, todo, result.output);
  say(`  done in ${seconds(Date.now() - started)}`);
  return result;
}

/**
 * Holds a lock folder while `work` runs, so that two set-ups at once do not write over each other. A lock whose owner is gone is taken over.
 * @template T
 * @param {string} folder
 * @param {() => Promise<T>} work
 * @returns {Promise<T>}
 */
export async function withLock(folder, work) {
  const lock = `${folder}.lock`;
  await mkdir(path.dirname(lock), { recursive: true });
  for (let announced = false; ;) {
    try {
      await mkdir(lock);
      break;
    } catch (error) {
      if (error.code !== "EEXIST") throw error;
    }
    const owner = Number(await readFile(path.join(lock, "pid"), "utf8").catch(() => "0"));
    if (owner > 0 && !isAlive(owner)) {
      await rm(lock, { recursive: true, force: true });
      continue;
    }
    if (!announced) say(`· waiting for another set-up of ${folder} (process ${owner || "unknown"}; remove ${lock} if there is none) …`);
    announced = true;
    await sleep(500);
  }
  try {
    await writeFile(path.join(lock, "pid"), String(process.pid));
    return await work();
  } finally {
    await rm(lock, { recursive: true, force: true });
  }
}

export function isAlive(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === "EPERM";
  }
}

export function seconds(ms) {
  return ms < 100_000 ? `${(ms / 1000).toFixed(1)} s` : `${Math.floor(ms / 60_000)} min ${Math.round((ms % 60_000) / 1000)} s`;
}

/** @returns the last `lines` lines of `text` */
export function tail(text, lines) {
  return text.trimEnd().split("\n").slice(-lines).join("\n");
}

function indent(text) {
  return text
    .split("\n")
    .map((line) => `    ${line}`)
    .join("\n");
}
