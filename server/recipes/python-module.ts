/** Runs `python -m trainyard.recipes …` in the user's interpreter: bounded in time and output, never in a shell. */
import { spawn, type ChildProcess } from "node:child_process";
import type * as z from "zod";
import { TrainyardError } from "../../protocol/errors.ts";
import { inheritedEnvironment, pythonPath } from "../launch/environment.ts";
import { unusable } from "./interpreter.ts";

export interface ModuleCall {
  readonly python: string;
  readonly packageRoot: string;
  readonly args: readonly string[];
  readonly cwd: string;
  /** Text for its standard input. */
  readonly input?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly timeoutMs?: number;
  /** Field of the document that is to blame when Python says that what it was given is at fault. */
  readonly inputField?: string;
}

/** Python's way to say that what it was given is at fault; the last line on stderr says what (`EXIT_BAD_INPUT` of trainyard.recipes). */
const EXIT_BAD_INPUT = 65;

const DEFAULT_TIMEOUT_MS = 20_000;
const MAX_OUTPUT_BYTES = 8 * 1024 * 1024;
const MAX_ERROR_BYTES = 64 * 1024;

/**
 * Its standard output.
 * @throws TrainyardError python_unusable (it cannot be started or fails), timeout
 */
export async function callRecipes(call: ModuleCall): Promise<string> {
  const { python } = call;
  return new Promise((resolve, reject) => {
    const inherited = { ...inheritedEnvironment(process.env), ...call.env };
    const child = spawn(python, ["-m", "trainyard.recipes", ...call.args], {
      cwd: call.cwd,
      // Without the import hook: nothing trains here.
      env: { ...inherited, PYTHONPATH: pythonPath(call.packageRoot, false, inherited["PYTHONPATH"]), PYTHONIOENCODING: "utf-8" },
      stdio: ["pipe", "pipe", "pipe"],
      windowsHide: true,
      // A group of its own: an interpreter may be a shell script (pyenv's shims are), and it is the group that hangs.
      detached: process.platform !== "win32",
    });
    const out: Buffer[] = [];
    const err: Buffer[] = [];
    let outBytes = 0;
    let errBytes = 0;
    let over: TrainyardError | null = null;
    const give = (error: TrainyardError): void => {
      over ??= error;
      killGroup(child);
      // Whatever left the group may hold the pipes open for ever.
      child.stdout.destroy();
      child.stderr.destroy();
    };
    const timer = setTimeout(() => {
      const seconds = Math.round((call.timeoutMs ?? DEFAULT_TIMEOUT_MS) / 1000);
      give(
        new TrainyardError(
          "timeout",
          `${python} did not answer within ${seconds} s`,
          "Does `python -c pass` start quickly in that environment?",
        ),
      );
    }, call.timeoutMs ?? DEFAULT_TIMEOUT_MS);
    child.stdout.on("data", (chunk: Buffer) => {
      outBytes += chunk.length;
      if (outBytes > MAX_OUTPUT_BYTES)
        give(unusable(`${python} printed more than a description can hold`, "Look for prints in recipes of your own."));
      else out.push(chunk);
    });
    child.stderr.on("data", (chunk: Buffer) => {
      // The last line of a traceback says what it was: keep the newest.
      err.push(chunk);
      errBytes += chunk.length;
      while (errBytes > MAX_ERROR_BYTES && err.length > 1) errBytes -= err.shift()?.length ?? 0;
    });
    // A child that ends without reading its input: what it says of itself matters, not the broken pipe.
    child.stdin.on("error", () => undefined);
    child.stdin.end(call.input ?? "");
    child.once("error", (error) => {
      clearTimeout(timer);
      reject(unusable(`${python} cannot be started: ${error.message}`, "Choose another interpreter."));
    });
    child.once("close", (code, signal) => {
      clearTimeout(timer);
      if (over !== null) reject(over);
      else if (code === 0) resolve(Buffer.concat(out).toString("utf8"));
      else reject(failed(call, code, signal, Buffer.concat(err).toString("utf8")));
    });
  });
}

function killGroup(child: ChildProcess): void {
  try {
    if (child.pid === undefined || process.platform === "win32") child.kill("SIGKILL");
    else process.kill(-child.pid, "SIGKILL");
  } catch {
    // It has just ended by itself.
  }
}

/**
 * Its answer as a shape. A sitecustomize or a recipe of the user's own may print: the document is the last line that begins one.
 * @throws TrainyardError as callRecipes
 */
export async function askRecipes<T extends z.ZodType>(call: ModuleCall, shape: T): Promise<z.output<T>> {
  const text = await callRecipes(call);
  let value: unknown;
  try {
    value = JSON.parse(text.slice(Math.max(0, text.startsWith("{") ? 0 : text.lastIndexOf("\n{") + 1)));
  } catch (error) {
    throw unusable(
      `${call.python} answered with something that is not JSON: ${error instanceof Error ? error.message : String(error)}`,
      "Does the environment print at start (sitecustomize, .pth files)?",
    );
  }
  const parsed = shape.safeParse(value);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  throw unusable(
    `${call.python} answered in another shape: ${issue?.path.join(".") ?? ""} ${issue?.message ?? ""}`,
    "Is another version of the package trainyard installed there? Upgrade or remove it.",
  );
}

function failed(call: ModuleCall, code: number | null, signal: string | null, stderr: string): TrainyardError {
  const { python, inputField } = call;
  const last = stderr.trim().split("\n").at(-1)?.trim() ?? "";
  if (code === EXIT_BAD_INPUT && inputField !== undefined) {
    const problem = { severity: "error" as const, field: inputField, message: last, hint: null };
    return new TrainyardError("invalid_spec", last, null, [problem]);
  }
  // Nobody here sent it: the other ways to end it are told apart before.
  if (signal === "SIGKILL") return killed(call);
  const how = signal ?? `exit code ${String(code)}`;
  const hint = /SyntaxError|future feature|No module named/.test(stderr)
    ? "Trainyard needs Python 3.9 or newer: choose another interpreter."
    : "Start that interpreter in a terminal and see whether it works.";
  return unusable(`${python} cannot describe the recipes (${how})${last === "" ? "" : `: ${last}`}`, hint);
}

/** The system ends a process so when memory runs out; a person may as well. */
function killed({ python, args }: ModuleCall): TrainyardError {
  const doing = args[0] === "probe" ? "while it tried a few steps" : `while it worked on "${args[0] ?? ""}"`;
  const hint =
    args[0] === "probe"
      ? "Close other programs, or make the training smaller: a smaller batch, shorter sequences, gradient checkpointing, LoRA."
      : "Close other programs and try again.";
  const message = `the system killed ${python} ${doing}: most likely the memory of this machine ran out`;
  return new TrainyardError("python_unusable", message, hint, [{ severity: "error", field: "", message, hint }]);
}
