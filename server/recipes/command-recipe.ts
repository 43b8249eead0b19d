/** The recipe `command`: described here and not by Python, since any command can be run on a machine without Python. */
import type { JsonObject } from "../../protocol/json.ts";
import type { Recipe } from "../../protocol/recipe.ts";
import { TrainyardError } from "../../protocol/errors.ts";

export const COMMAND_RECIPE: Recipe = {
  id: "command",
  title: "Any command",
  description: "Runs a command as it is. Python scripts in it are tracked through the import hook unless tracking is off.",
  framework: "custom",
  sections: [{ id: "command", title: "Command", description: "What to run." }],
  schema: {
    $schema: "https://json-schema.org/draft/2020-12/schema",
    type: "object",
    properties: {
      command: {
        type: "array",
        items: { type: "string" },
        title: "Command",
        description: "The program and its arguments, one per entry; no shell reads them.",
        "x-section": "command",
        "x-order": 0,
        "x-widget": "list",
        "x-placeholder": "python train.py --lr 1e-3",
      },
    },
    required: ["command"],
    additionalProperties: false,
  },
  presets: {},
  requires: [],
  resumable: false,
  origin: "builtin",
};

/**
 * argv of an attempt.
 * @param python absolute path of the interpreter; null only where the recipe needs none
 * @param options what the values of a script's own form became
 */
export function commandFor(
  recipe: string,
  params: JsonObject,
  args: readonly string[],
  python: string | null,
  options: readonly string[] = [],
): string[] {
  if (recipe === "command") return [...strings(params["command"], "params.command"), ...args];
  if (python === null) throw new TrainyardError("python_unusable", `the recipe ${recipe} needs a Python`, "Name one in the field python.");
  if (recipe !== "script") return [python, "-m", "trainyard.recipes", "run"];
  const script = params["script"];
  if (typeof script !== "string" || script === "") throw fieldError("params.script", "is not a path");
  return [python, script, ...options, ...(params["args"] == null ? [] : strings(params["args"], "params.args")), ...args];
}

function strings(value: unknown, field: string): string[] {
  if (!Array.isArray(value) || !value.every((part) => typeof part === "string")) throw fieldError(field, "is not a list of strings");
  if (field === "params.command" && (value.length === 0 || value[0] === "")) throw fieldError(field, "names no program");
  return value;
}

function fieldError(field: string, what: string): TrainyardError {
  const message = `${field} ${what}`;
  return new TrainyardError("invalid_spec", message, null, [{ severity: "error", field, message, hint: null }]);
}
