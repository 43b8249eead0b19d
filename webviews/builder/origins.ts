/** Where a document's values come from besides itself: the run it was made from, its project, the script it runs. */
import type { JsonObject, JsonValue } from "../../protocol/json.ts";
import type { DocumentRequest, ScriptForm } from "../../protocol/documents.ts";
import type { Template } from "../../protocol/preset.ts";
import type { RunDetail } from "../../protocol/queries.ts";
import type { Recipe } from "../../protocol/recipe.ts";
import type { RunSummary } from "../../protocol/run.ts";
import type { Transport } from "../transport/transport.ts";
import { type FormState, formOf, valueOf } from "./form-model.ts";

const PATIENCE_MS = 60_000;
const MOST_RECENT = 5;
/** Runs of all recipes, newest first, among which those of one are looked for. */
const LOOKED_AT = 100;

export class Origins {
  readonly #changed: () => void;
  #parent: RunDetail | null = null;
  #project: { readonly name: string; readonly defaults: JsonObject } | null = null;
  #script: ScriptForm | null = null;
  #recent: readonly RunSummary[] = [];
  #templates: readonly Template[] = [];
  /** What was asked for last: an answer to anything else comes too late. */
  #asked = { project: "", script: "" };

  /** @param changed called when an answer came */
  constructor(changed: () => void) {
    this.#changed = changed;
  }

  get parent(): RunDetail | null {
    return this.#parent;
  }

  get projectDefaults(): JsonObject {
    return this.#project?.defaults ?? {};
  }

  /** The form of the script that the document runs; null while there is none. */
  get script(): ScriptForm | null {
    return this.#script;
  }

  /** The values that the parent run trained with; null without one. */
  get parentParams(): JsonObject | null {
    const resolved = this.#parent?.resolved?.["params"];
    const effective = typeof resolved === "object" && resolved !== null && !Array.isArray(resolved) ? resolved : null;
    return effective ?? this.#parent?.spec?.params ?? null;
  }

  /** The form of a document of the recipe `named`, with everything that its values come from. */
  form(named: Recipe, values: JsonObject): FormState {
    // The form of a script is that of any script with the script's own fields besides. What was saved or removed since it was read is in `named`.
    const recipe = named.id === "script" && this.#script !== null ? { ...this.#script.recipe, presets: named.presets } : named;
    const scriptFields = new Set(Object.keys(recipe.schema.properties).filter((key) => named.schema.properties[key] === undefined));
    return formOf(recipe, values, { project: this.projectDefaults, parent: this.parentParams, scriptFields });
  }

  /** The newest runs of a recipe, which a document can be made from. */
  recent(recipe: string): readonly RunSummary[] {
    return this.#recent.filter((run) => run.recipe === recipe && run.damage === null).slice(0, MOST_RECENT);
  }

  /** Runs and templates. A store without them, or one that cannot be asked, offers none. */
  async findBeginnings(transport: Transport): Promise<void> {
    void this.findTemplates(transport);
    const page = await transport.request("listRuns", { query: { limit: LOOKED_AT } }).catch(() => null);
    this.#recent = page?.runs ?? [];
    this.#changed();
  }

  /** Those of the workspace, which a document can be made from too. */
  get templates(): readonly Template[] {
    return this.#templates;
  }

  /** A server that cannot be asked offers none. */
  async findTemplates(transport: Transport): Promise<void> {
    const answer = await transport.request("listTemplates", {}).catch(() => null);
    this.#templates = answer?.templates ?? [];
    this.#changed();
  }

  /** @throws TrainyardError when there is no such run */
  async takeParent(transport: Transport, run: string | null): Promise<RunDetail | null> {
    this.#parent = run === null ? null : await transport.request("getRun", { params: { id: run } });
    this.#changed();
    return this.#parent;
  }

  /**
   * Asks anew where the document now names another project or script, be it by its preset or a parent.
   * @param request null while the document is not whole
   */
  follow(transport: Transport, values: JsonObject, request: DocumentRequest | null, form: FormState | null): void {
    const { project = "default" } = values;
    if (typeof project === "string" && project !== this.#asked.project) void this.#askProject(transport, project);
    void this.#askScript(transport, request, form === null ? request?.spec.params["script"] : valueOf(form, "script"));
  }

  /** A project that is yet to be made gives nothing. */
  async #askProject(transport: Transport, project: string): Promise<void> {
    this.#asked.project = project;
    const found = await transport.request("getProject", { params: { project } }).catch(() => null);
    if (this.#asked.project !== project) return;
    this.#project = { name: project, defaults: found?.defaults ?? {} };
    this.#changed();
  }

  async #askScript(transport: Transport, request: DocumentRequest | null, script: JsonValue | undefined): Promise<void> {
    const spec = request?.spec;
    const named = spec?.recipe === "script" && typeof script === "string" && script !== "";
    const asked = named ? JSON.stringify([script, spec.params["script_form"] ?? null, spec.python ?? null, request?.base_dir]) : "";
    // A document that is broken for a moment keeps the form it has.
    if (asked === this.#asked.script || (request === null && this.#asked.script !== "")) return;
    this.#asked.script = asked;
    // A script that is missing or cannot be read: the checks say so, the form stays that of any script.
    const form =
      request === null || !named
        ? null
        : await transport.request("scriptForm", { body: request, timeoutMs: PATIENCE_MS }).catch(() => null);
    if (this.#asked.script !== asked) return;
    this.#script = form;
    this.#changed();
  }
}
