/** What every command has in common. */
import { InvalidArgumentError, type Command } from "commander";
import type { ApiError } from "../../protocol/errors.ts";
import { exitCodeOfError } from "../exit-codes.ts";
import type { Terminal } from "../terminal.ts";

/** What a command works with besides its own options. */
export interface CommandContext {
  readonly terminal: Terminal;
  /** Arguments after `--`, which belong to the training and are not read here. */
  readonly passedOn: readonly string[] | null;
  /** The command's exit code. */
  exitCode: number;
}

export interface CommonOptions {
  readonly json: boolean;
  readonly store?: string;
}

/** Before a run is made or started its recipe asks the interpreter and looks at the dataset: a cold disk takes its time. */
export const CHECK_TIMEOUT_MS = 120_000;

export function withCommonOptions(command: Command): Command {
  return command
    .option("--json", "write one JSON value to stdout", false)
    .option("--store <dir>", "the store (default: $TRAINYARD_STORE, the nearest .trainyard upwards from here, or a new one here)");
}

/** What was refused for some of many things: a remark for each, and the exit code of the first. The result itself says it too. */
export function tellRefused(context: CommandContext, failed: readonly ApiError[]): void {
  for (const { error } of failed) context.terminal.note(`error: ${error.message}${error.hint === null ? "" : `\nhint: ${error.hint}`}`);
  const first = failed[0]?.error.code;
  if (first !== undefined) context.exitCode = exitCodeOfError(first);
}

/** For options that may be given several times. */
export function collect(value: string, earlier: readonly string[]): string[] {
  return [...earlier, value];
}

/** Reads an option's whole number. @param least the smallest that is taken */
export function countFrom(least: 0 | 1) {
  return countBetween(least, 999_999_999, `from ${String(least)} on`);
}

/** Reads an option's whole number, in decimal digits. */
export function countBetween(least: number, most: number, range = `from ${String(least)} to ${String(most)}`) {
  return (text: string): number => {
    const count = Number(text);
    if (!/^\d{1,9}$/.test(text) || count < least || count > most) throw new InvalidArgumentError(`a whole number ${range} is needed`);
    return count;
  };
}

export interface ScopeOptions extends CommonOptions {
  readonly project?: string;
  readonly filter?: string;
}

/** Which runs a command asks about. */
export function withScope(command: Command): Command {
  return withCommonOptions(command)
    .option("--project <name>", "of one project")
    .option("--filter <expression>", "of the runs that pass (docs/query-language.md)");
}

export function scopeOf({ project, filter }: ScopeOptions): { project?: string; filter?: string } {
  return { ...(project === undefined ? {} : { project }), ...(filter === undefined ? {} : { filter }) };
}
