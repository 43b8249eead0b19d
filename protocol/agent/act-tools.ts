/** Tools that start and end training, each after a person has agreed to it. */
import * as z from "zod";
import { TrainyardError } from "../errors.ts";
import { JsonObject } from "../json.ts";
import type { RunDetail } from "../queries.ts";
import { RUN_ARGUMENT } from "../select-run.ts";
import { quote, shellCommand } from "../shell-command.ts";
import { RunSpec, startedFrom } from "../spec.ts";
import { FINAL_STATES } from "../state-kinds.ts";
import { findRunId } from "./find-run.ts";
import { actTool, checked, type AgentContext } from "./tool.ts";

/** Checks of interpreter and data import what they need. */
const START_TIMEOUT_MS = 120_000;

/** Any JSON: models and their hosts stumble over the schema of JSON itself, which contains itself. Checked as a RunSpec afterwards. */
const Params = z.record(z.string(), z.unknown()).default({});

const StartRun = z
  .object({
    spec: RunSpec.omit({ sweep: true })
      .extend({ params: Params.describe("The recipe's fields") })
      .strict()
      .optional()
      .describe("A new run as a run document; leave it out to start a copy of a run"),
    copy_of: z.string().min(1).max(200).optional().describe(`A run whose document is taken over: ${RUN_ARGUMENT}`),
    params: Params.describe("Params that differ from those of the spec or the copied run"),
    name: z.string().min(1).max(200).optional(),
    queue: z.boolean().default(false).describe("Let it wait in the queue for its turn instead of starting it at once"),
  })
  .strict();

export const startRun = actTool({
  name: "start_run",
  title: "Start a training run",
  description:
    "Starts a training run on the user's machine: from a run document (recipe and params), or as a copy of a run with other params. " +
    "The user is shown the command and must agree. Recipes for any program: `command` with params.command as argv, `script` with params.script.",
  destructive: false,
  input: StartRun,
  async plan(context, input) {
    const { spec, base_dir } = await requestOf(context, input);
    const plan = await context.api.call("dryRun", { body: { spec, start: false, ...(base_dir !== null && { base_dir }) } });
    const env = Object.entries(spec.env).map(([name, value]) => `${name}=${quote(value)} `);
    const params = JSON.stringify(plan.resolved.params, null, 2);
    return {
      title: `${input.queue ? "Queue" : "Start"} ${spec.name ?? "a training run"}?`,
      command: `cd ${quote(plan.cwd)} && ${env.join("")}${plan.command.map(quote).join(" ")}`,
      details: `Recipe ${spec.recipe} in project ${spec.project}, with these params:\n${params}`,
    };
  },
  async act(context, input) {
    const { spec, base_dir, copied } = await requestOf(context, input);
    const { api } = context;
    const run =
      copied === null
        ? await api.call("createRun", {
            body: { spec, start: true, queue: input.queue, ...(base_dir !== null && { base_dir }) },
            timeoutMs: START_TIMEOUT_MS,
          })
        : await api.call("cloneRun", {
            params: { id: copied.id },
            body: {
              params: checked(JsonObject, input.params),
              start: true,
              queue: input.queue,
              ...(input.name !== undefined && { name: input.name }),
            },
            timeoutMs: START_TIMEOUT_MS,
          });
    return outcome(run);
  },
});

export const stopRun = actTool({
  name: "stop_run",
  title: "Stop a training run",
  description:
    "Stops a running or queued run: gracefully, with a final checkpoint where the training can write one, or by force. The user must agree.",
  destructive: true,
  input: z
    .object({
      run: z.string().min(1).max(200).describe(`The run: ${RUN_ARGUMENT}`),
      force: z.boolean().default(false).describe("Kill it without waiting for a checkpoint"),
      reason: z.string().max(1000).default("asked for by an agent"),
    })
    .strict(),
  async plan({ api }, { run, force }) {
    const detail = await api.call("getRun", { params: { id: await findRunId(api, run) } });
    if (FINAL_STATES.has(detail.state))
      throw new TrainyardError("conflict", `the run ${detail.name} is not running (${detail.state})`, null);
    const attempt = detail.attempts.at(-1);
    const step = detail.progress === null ? "" : ` at step ${detail.progress.step}`;
    return {
      title: `Stop ${detail.name}?`,
      command: attempt === undefined ? `trainyard cancel ${detail.id}` : shellCommand(attempt),
      details: `${detail.name} (${detail.id}) is ${detail.state}${step}. ${
        force ? "It is killed at once; what was trained since its last checkpoint is lost." : "It may write a final checkpoint first."
      }`,
    };
  },
  async act({ api }, { run, force, reason }) {
    const params = { id: await findRunId(api, run) };
    return outcome(await api.call("cancelRun", { params, body: { force, reason } }));
  },
});

interface StartRequest {
  readonly spec: RunSpec;
  readonly base_dir: string | null;
  readonly copied: RunDetail | null;
}

async function requestOf({ api, baseDir, python }: AgentContext, input: z.output<typeof StartRun>): Promise<StartRequest> {
  const { spec, copy_of, params, name } = input;
  if ((spec === undefined) === (copy_of === undefined))
    throw new TrainyardError("bad_request", "spec: give either spec or copy_of", "A spec names at least its recipe.");
  const own = { ...(name !== undefined && { name }) };
  if (spec !== undefined) {
    const interpreter = { ...(python !== null && spec.python === undefined && { python }) };
    const whole = checked(RunSpec, { ...spec, ...own, ...interpreter, params: { ...spec.params, ...params } });
    return { spec: whole, base_dir: baseDir, copied: null };
  }
  const copied = await api.call("getRun", { params: { id: await findRunId(api, copy_of ?? "") } });
  if (copied.spec === null)
    throw new TrainyardError("conflict", `the run ${copied.name} has no document that could be copied`, "Give a spec.");
  return {
    spec: checked(RunSpec, { ...copied.spec, ...own, params: { ...copied.spec.params, ...params } }),
    base_dir: startedFrom(copied.resolved).baseDir ?? baseDir,
    copied,
  };
}

function outcome({ id, name, project, state, state_reason, run_dir }: RunDetail): unknown {
  return { id, name, project, state, state_reason, run_dir };
}
