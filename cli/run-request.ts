/** Turns the arguments of `trainyard run` into a request: a command, a script, or a document. */
import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import path from "node:path";
import { SHELL_VARIABLES } from "../protocol/configuration.ts";
import { TrainyardError } from "../protocol/errors.ts";
import type { JsonObject, JsonValue } from "../protocol/json.ts";
import type { RouteBody } from "../protocol/routes.ts";
import { applySpecEdits, type SpecEdit } from "../protocol/run-document/edit.ts";
import { notADocument, readRunDocument } from "../protocol/run-document/read.ts";
import type { RunSpecInput } from "../protocol/spec.ts";
import { parseEnvironment, parseParams } from "./assignments.ts";
import { findExecutable } from "./executables.ts";
import type { StoreLocation } from "./locate-store.ts";
import type { WrittenDocument } from "./templates.ts";

export interface RunOptions {
  readonly name?: string;
  readonly project?: string;
  readonly experiment?: string;
  readonly tag: readonly string[];
  readonly set: readonly string[];
  readonly env: readonly string[];
  readonly python?: string;
  readonly cwd?: string;
  readonly track: boolean;
}

export interface RunArguments {
  readonly file: string | null;
  /** A document that stands in the place of a file. */
  readonly template?: WrittenDocument;
  /** What stood after `--`; null when there was no `--`. */
  readonly passedOn: readonly string[] | null;
  readonly options: RunOptions;
  readonly store: StoreLocation;
  readonly env: NodeJS.ProcessEnv;
  readonly cwd: string;
}

/** @throws TrainyardError bad_request | missing_file | invalid_spec | python_unusable */
export async function buildCreateRun(input: RunArguments): Promise<RouteBody<"createRun">> {
  const { file, template, passedOn } = input;
  if (template !== undefined) {
    if (file !== null) throw new TrainyardError("bad_request", "a template takes the place of a file", "Leave out --template or the file.");
    return documentRequest(input, template);
  }
  if (file === null) {
    if (passedOn === null || passedOn.length === 0)
      throw new TrainyardError("bad_request", "nothing to run was given", "For example: trainyard run -- python train.py");
    return { spec: commandSpec(input, passedOn), base_dir: input.cwd };
  }
  const absolute = path.resolve(input.cwd, file);
  if (/\.ya?ml$/.test(file)) return documentRequest(input, { label: file, text: await readDocument(absolute) });
  if (!file.endsWith(".py"))
    throw new TrainyardError(
      "bad_request",
      `'${file}' is neither a Python script nor a *.run.yaml document`,
      `To run a command: trainyard run -- ${file} …`,
    );
  if (!existsSync(absolute)) throw new TrainyardError("missing_file", `there is no file ${absolute}`, "Check the path.");
  const spec = {
    name: path.basename(file),
    recipe: "script",
    params: { ...parseParams(input.options.set), script: absolute, args: [...(passedOn ?? [])] },
    python: pythonOf(input),
  };
  return { spec: { ...spec, ...overrides(input) }, base_dir: input.cwd };
}

function commandSpec(input: RunArguments, argv: readonly string[]): RunSpecInput {
  const program = argv[0] ?? "";
  // Looked up here: the server's PATH may be another one.
  const executable = findExecutable(program, input.cwd, input.env["PATH"]);
  if (executable === null)
    throw new TrainyardError("missing_file", `the program '${program}' was not found`, "Check its spelling, or give its full path.");
  const isPython = /^(python|pypy)[\d.]*(\.exe)?$/.test(path.basename(program));
  const script = argv.find((word) => word.endsWith(".py"));
  return {
    name: script === undefined ? path.basename(program) : path.basename(script),
    recipe: "command",
    params: { ...parseParams(input.options.set), command: [executable, ...argv.slice(1)] },
    ...(isPython && input.options.python === undefined ? { python: executable } : {}),
    ...overrides(input),
  };
}

async function readDocument(file: string): Promise<string> {
  try {
    return await readFile(file, "utf8");
  } catch (error) {
    throw new TrainyardError("missing_file", `${file} cannot be read`, "Check the path and its permissions.", [], { cause: error });
  }
}

/** The document with the options laid over it, edited as the form does it: all else of its text stays. */
function documentRequest(input: RunArguments, { label, text }: WrittenDocument): RouteBody<"createRun"> {
  if (input.passedOn !== null)
    throw new TrainyardError("bad_request", "a document takes no arguments after --", "Change its params with --set key=value.");
  const written = readRunDocument(text);
  if (written.values === null) throw notADocument(label, text, written);
  const source = applySpecEdits(text, documentEdits(input));
  const reading = readRunDocument(source);
  const { spec } = reading;
  if (spec === null) throw notADocument(label, source, reading);
  const python = spec.python ?? (spec.recipe === "command" ? undefined : pythonOf(input));
  return { spec: { ...spec, ...(python === undefined ? {} : { python }) }, source, base_dir: input.store.workspace };
}

function documentEdits(input: RunArguments): SpecEdit[] {
  const { options } = input;
  const given: Readonly<Record<string, JsonValue | undefined>> = {
    name: options.name,
    project: options.project,
    experiment: options.experiment,
    python: options.python === undefined ? undefined : pythonOf(input),
    cwd: options.cwd === undefined ? undefined : path.resolve(input.cwd, options.cwd),
    tags: options.tag.length > 0 ? [...options.tag] : undefined,
    track: options.track ? undefined : false,
  };
  const within = (key: string, values: JsonObject): SpecEdit[] =>
    Object.entries(values).map(([name, value]) => ({ path: [key, name], value }));
  return [
    ...within("params", parseParams(options.set)),
    ...within("env", parseEnvironment(options.env)),
    ...Object.entries(given).flatMap(([key, value]) => (value === undefined ? [] : [{ path: [key], value }])),
  ];
}

function overrides(input: RunArguments): Partial<RunSpecInput> {
  const { options } = input;
  return {
    ...(options.name === undefined ? {} : { name: options.name }),
    ...(options.project === undefined ? {} : { project: options.project }),
    ...(options.experiment === undefined ? {} : { experiment: options.experiment }),
    ...(options.tag.length === 0 ? {} : { tags: [...options.tag] }),
    ...(options.cwd === undefined ? {} : { cwd: path.resolve(input.cwd, options.cwd) }),
    ...(options.python === undefined ? {} : { python: pythonOf(input) }),
    env: { ...shellEnvironment(input.env), ...parseEnvironment(options.env) },
    track: options.track,
  };
}

function shellEnvironment(env: NodeJS.ProcessEnv): Record<string, string> {
  const taken: Record<string, string> = {};
  for (const name of SHELL_VARIABLES) {
    const value = env[name];
    if (value !== undefined) taken[name] = value;
  }
  return taken;
}

/** @throws TrainyardError python_unusable */
function pythonOf(input: RunArguments): string {
  const wanted = input.options.python ?? input.env["TRAINYARD_PYTHON"];
  const names = wanted === undefined ? ["python", "python3"] : [wanted];
  for (const name of names) {
    const found = findExecutable(name, input.cwd, input.env["PATH"]);
    if (found !== null) return found;
  }
  throw new TrainyardError(
    "python_unusable",
    wanted === undefined ? "no python was found on the PATH" : `there is no Python at ${wanted}`,
    "Activate an environment, or name an interpreter with --python.",
  );
}
