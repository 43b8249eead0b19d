/** What a tool for agents is. The table of them: tools.ts. */
import type * as z from "zod";
import type { ApiClient } from "../client.ts";
import { TrainyardError } from "../errors.ts";

export interface AgentContext {
  readonly api: ApiClient;
  /** Folder that relative paths of a new run's spec refer to; null: the folder that holds the store. */
  readonly baseDir: string | null;
  /** Interpreter for specs that name none; null: the server's choice. */
  readonly python: string | null;
}

/** What an action would do, for a person to say yes or no to. */
export interface ActionPlan {
  readonly title: string;
  /** The command that is started or ended, as it could be typed. */
  readonly command: string;
  /** What else somebody should know who decides. */
  readonly details: string;
}

interface Described<S extends z.ZodObject> {
  /** As agents see it, within `trainyard`. */
  readonly name: string;
  readonly title: string;
  /** For the model: what it gives, when to use it. */
  readonly description: string;
  readonly input: S;
}

/** Looks and changes nothing. */
export interface ReadTool extends Described<z.ZodObject> {
  readonly kind: "read";
  /** @throws TrainyardError */
  read(context: AgentContext, input: unknown): Promise<unknown>;
}

/** Changes something, and so is confirmed by a person before. */
export interface ActTool extends Described<z.ZodObject> {
  readonly kind: "act";
  /** Does it end or overwrite something? */
  readonly destructive: boolean;
  /** What would happen; changes nothing. @throws TrainyardError */
  plan(context: AgentContext, input: unknown): Promise<ActionPlan>;
  /** @param confirmed the command that was agreed to. @throws TrainyardError conflict when it would be another one by now */
  act(context: AgentContext, input: unknown, confirmed: string): Promise<unknown>;
}

export type AgentTool = ReadTool | ActTool;

export function readTool<S extends z.ZodObject>(
  definition: Described<S> & { readonly read: (context: AgentContext, input: z.output<S>) => Promise<unknown> },
): ReadTool {
  return {
    ...definition,
    kind: "read",
    read: async (context, input) => definition.read(context, checked(definition.input, input)),
  };
}

export function actTool<S extends z.ZodObject>(
  definition: Described<S> & {
    readonly destructive: boolean;
    readonly plan: (context: AgentContext, input: z.output<S>) => Promise<ActionPlan>;
    readonly act: (context: AgentContext, input: z.output<S>) => Promise<unknown>;
  },
): ActTool {
  return {
    ...definition,
    kind: "act",
    plan: async (context, input) => definition.plan(context, checked(definition.input, input)),
    async act(context, raw, confirmed) {
      const input = checked(definition.input, raw);
      const { command } = await definition.plan(context, input);
      if (command !== confirmed)
        throw new TrainyardError(
          "conflict",
          `what was confirmed is not what would happen now: ${command}`,
          "Show this command and ask for it to be confirmed.",
        );
      return definition.act(context, input);
    },
  };
}

/** @throws TrainyardError bad_request, with the fields that do not fit */
export function checked<S extends z.ZodType>(shape: S, input: unknown): z.output<S> {
  const parsed = shape.safeParse(input ?? {});
  if (parsed.success) return parsed.data;
  const problems = parsed.error.issues.map(({ path, message }) => ({
    severity: "error" as const,
    field: path.map(String).join("."),
    message,
    hint: null,
  }));
  throw new TrainyardError(
    "bad_request",
    problems.map((one) => (one.field === "" ? one.message : `${one.field}: ${one.message}`)).join("; "),
    null,
    problems,
  );
}
