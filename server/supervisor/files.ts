/** The supervisor's own reading and writing of the attempt folder. No schema library: it must start fast and stay small. */
import { closeSync, fsyncSync, openSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import type { AttemptRecord, StopRequest } from "../../protocol/run.ts";

export type LaunchOrder = Pick<AttemptRecord, "command" | "cwd" | "env">;

/** @throws Error saying which part of attempt.json is wrong */
export function readOrder(file: string): LaunchOrder {
  const value: unknown = JSON.parse(readFileSync(file, "utf8"));
  if (!isObject(value)) throw new Error(`${file} is not an object`);
  const { command, cwd, env } = value;
  if (!Array.isArray(command) || command.length === 0 || !command.every((part) => typeof part === "string"))
    throw new Error(`${file}: command is not a list of strings`);
  if (typeof cwd !== "string") throw new Error(`${file}: cwd is not a string`);
  if (!isObject(env)) throw new Error(`${file}: env is not an object`);
  const variables: Record<string, string> = {};
  for (const [name, text] of Object.entries(env)) {
    if (typeof text !== "string") throw new Error(`${file}: env.${name} is not a string`);
    variables[name] = text;
  }
  return { command, cwd, env: variables };
}

/** The request in stop.json; null while there is none. @throws Error when it does not parse (it is looked at again) */
export function readStop(file: string): Pick<StopRequest, "grace_seconds" | "force"> | null {
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return null;
    throw error;
  }
  const value: unknown = JSON.parse(text);
  if (!isObject(value)) throw new Error(`${file} is not an object`);
  const grace = value["grace_seconds"];
  return { grace_seconds: typeof grace === "number" && grace >= 0 ? grace : 60, force: value["force"] === true };
}

/** Did the SDK report a framework that ends by itself, with a checkpoint, once stop.json is there? */
export function stopsGracefully(reportFile: string): boolean {
  let text: string;
  try {
    text = readFileSync(reportFile, "utf8");
  } catch {
    return false; // No SDK in the process.
  }
  for (const line of text.split("\n")) {
    if (!line.includes('"framework"')) continue;
    try {
      const record: unknown = JSON.parse(line);
      if (isObject(record) && record["type"] === "framework" && record["graceful_stop"] === true) return true;
    } catch {
      // A torn last line.
    }
  }
  return false;
}

/** Writes beside the target and renames: a reader sees the old file or the whole new one. */
export function writeJsonAtomically(file: string, value: unknown): void {
  const temporary = path.join(path.dirname(file), `.${path.basename(file)}.${process.pid}.tmp`);
  try {
    const fd = openSync(temporary, "w", 0o644);
    try {
      writeFileSync(fd, `${JSON.stringify(value, null, 2)}\n`);
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

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
