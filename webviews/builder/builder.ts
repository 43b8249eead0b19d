/** The run builder: one page with sections, the form of which comes from the recipe's JSON Schema. */
import { html, LitElement, nothing, type PropertyValues, type TemplateResult } from "lit";
import { customElement, property, state } from "lit/decorators.js";
import { stringify } from "yaml";
import { type Problem, TrainyardError } from "../../protocol/errors.ts";
import type { RunId } from "../../protocol/ids.ts";
import type { CreateRun } from "../../protocol/queries.ts";
import type { RecipeCatalogue } from "../../protocol/recipe.ts";
import { type DryRun, RunSpec } from "../../protocol/spec.ts";
import { icon } from "../components/icons.ts";
import { asProblem } from "../components/problem.ts";
import { baseStyles } from "../components/styles.ts";
import type { Transport } from "../transport/transport.ts";
import { builderHeader } from "./builder-header.ts";
import { builderStyles } from "./builder-styles.ts";
import { fieldRow } from "./field.ts";
import {
  type FieldFilter,
  type FormSection,
  type FormState,
  newForm,
  problems,
  provenance,
  sections,
  setValue,
  splitArguments,
  switchRecipe,
  toSpec,
  valueOf,
} from "./form-model.ts";
import { commandText, previewPanel } from "./preview.ts";
import { sectionNav, sectionState } from "./section-nav.ts";

export interface BuilderTarget {
  readonly recipe: string | null;
  readonly from: RunId | null;
  readonly script: string | null;
}

/** Checks that need the user's Python wait until typing has paused. */
const CHECK_AFTER_MS = 700;
const NO_ARGS: ReadonlySet<string> = new Set(["script", "command"]);

@customElement("ty-builder")
export class Builder extends LitElement {
  static override styles = [...baseStyles, builderStyles];

  @property({ attribute: false }) transport!: Transport;
  @property({ attribute: false }) target: BuilderTarget = { recipe: null, from: null, script: null };
  /** Interpreter chosen in the editor, or null for the server's default. */
  @property({ attribute: false }) python: string | null = null;
  /** Folder that relative paths refer to; null = the server's default. */
  @property({ attribute: false }) baseDir: string | null = null;
  /** Is the workspace trusted? Nothing may be launched otherwise. */
  @property({ type: Boolean }) trusted = true;
  @state() private catalogue: RecipeCatalogue | null = null;
  @state() private form: FormState | null = null;
  @state() private name = "";
  @state() private project = "";
  @state() private args = "";
  @state() private filter: FieldFilter = { search: "", changedOnly: false, advanced: false };
  @state() private problem: TrainyardError | null = null;
  @state() private found: readonly Problem[] = [];
  @state() private dryRun: DryRun | null = null;
  @state() private checking = false;
  @state() private busy = false;
  @state() private tab: "yaml" | "command" = "yaml";
  readonly #drafts = new Map<string, string>();
  #timer: number | undefined;
  /** Counts checks, so that a late answer to an older form is dropped. */
  #check = 0;

  override connectedCallback(): void {
    super.connectedCallback();
    this.addEventListener("keydown", this.#onKey);
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.removeEventListener("keydown", this.#onKey);
    clearTimeout(this.#timer);
  }

  override willUpdate(changed: PropertyValues<this>): void {
    if (changed.has("target") || changed.has("python") || changed.has("transport")) void this.#load();
  }

  override render(): TemplateResult {
    const { form, catalogue } = this;
    if (this.problem !== null && form === null)
      return html`<div class="problem-page" role="alert" data-testid="builder-problem">
        ${icon("error")}<b>${this.problem.message}</b><span class="secondary">${this.problem.hint ?? ""}</span
        ><button class="button" @click=${() => void this.#load()}>Try again</button>
      </div>`;
    if (form === null || catalogue === null) return html`<div class="loading" role="progressbar" aria-label="Loading recipes"></div>`;
    const own = problems(form);
    const wrong = new Map(own);
    // What the user's Python found stands at its field, unless the form knows better.
    for (const found of this.found) {
      const key = found.field.replace(/^params\./, "");
      if (!wrong.has(key)) wrong.set(key, found);
    }
    const shown = sections(form, this.filter, new Set(wrong.keys()));
    return html`<div class="page">
      ${builderHeader(form, {
        name: this.name,
        project: this.project,
        recipes: catalogue.recipes,
        setName: (name) => {
          this.name = name;
          this.#later();
        },
        setProject: (project) => {
          this.project = project;
          this.#later();
        },
        chooseRecipe: (id) => {
          this.#chooseRecipe(id);
        },
        choosePreset: (preset) => {
          this.#change({ ...form, preset });
        },
      })}
      <div class="body">
        ${sectionNav(form, {
          shown,
          wrong,
          filter: this.filter,
          setFilter: (filter) => {
            this.filter = filter;
          },
          goTo: (section) => {
            this.#goTo(section);
          },
        })}
        <div class="form" role="form" aria-label="Parameters">
          ${shown.map((section) => this.#section(form, section, wrong))} ${NO_ARGS.has(form.recipe.id) ? this.#argsField() : nothing}
          ${shown.length === 0 ? html`<p class="secondary">No field matches.</p>` : nothing}
        </div>
        ${previewPanel({
          tab: this.tab,
          yaml: this.#yaml,
          dryRun: this.dryRun,
          found: this.found,
          errors: [...own.values()].filter((p) => p.severity === "error").length,
          warnings: [...own.values()].filter((p) => p.severity === "warning").length,
          checking: this.checking,
          busy: this.busy,
          trusted: this.trusted,
          setTab: (tab) => {
            this.tab = tab;
          },
          copy: () => {
            this.transport.command({
              command: "copy",
              text: this.tab === "yaml" ? this.#yaml : this.dryRun === null ? "" : commandText(this.dryRun),
            });
          },
          dry: () => {
            this.tab = "command";
            void this.#verify();
          },
          save: () => {
            this.transport.command({
              command: "save_spec",
              yaml: this.#yaml,
              suggested_name: `${this.name === "" ? form.recipe.id : this.name}.run.yaml`,
            });
          },
          start: () => void this.#start(),
        })}
      </div>
    </div>`;
  }

  #section(form: FormState, section: FormSection, wrong: ReadonlyMap<string, Problem>): TemplateResult {
    const [symbol, tone] = sectionState(section, wrong);
    const presetTitle = form.preset === null ? null : (form.recipe.presets[form.preset]?.title ?? null);
    return html`<section aria-labelledby="section-${section.id}">
      <div class="section" id="section-${section.id}">
        <h2>${section.title}</h2>
        <span class="secondary truncate">${section.description}</span><span class=${tone}>${icon(symbol)}</span>
      </div>
      ${section.fields.map(([key, field]) =>
        fieldRow({
          name: key,
          field,
          value: valueOf(form, key),
          provenance: provenance(form, key),
          presetTitle,
          problem: wrong.get(key) ?? null,
          canPick: this.transport.host === "vscode",
          draft: this.#drafts.get(key) ?? null,
          change: (value, draft) => {
            if (draft === null) this.#drafts.delete(key);
            else this.#drafts.set(key, draft);
            this.#change(setValue(form, key, value));
          },
          reset: () => {
            this.#change(setValue(form, key, undefined));
          },
          pick: () => void this.#pick(key, field["x-path"]?.kind ?? "any"),
        }),
      )}
    </section>`;
  }

  #argsField(): TemplateResult {
    return html`<div class="field" data-testid="field-args">
      <div class="name"><label for="input-args">Arguments</label><span class="mono secondary key">args</span></div>
      <div class="control">
        <vscode-textfield
          id="input-args"
          class="wide"
          label="Arguments"
          placeholder="--epochs 3"
          .value=${this.args}
          @input=${(event: Event) => {
            this.args = (event.target as HTMLInputElement).value;
            this.#later();
          }}
        ></vscode-textfield>
      </div>
      <div class="origin secondary">passed on as they are</div>
    </div>`;
  }

  get #spec(): RunSpec | null {
    if (this.form === null) return null;
    const parsed = RunSpec.safeParse(
      toSpec(this.form, { name: this.name, project: this.project, python: this.python, args: splitArguments(this.args) }),
    );
    return parsed.success ? parsed.data : null;
  }

  get #yaml(): string {
    if (this.form === null) return "";
    return stringify(toSpec(this.form, { name: this.name, project: this.project, python: this.python, args: splitArguments(this.args) }));
  }

  async #load(): Promise<void> {
    this.problem = null;
    this.form = null;
    try {
      const { target } = this;
      const catalogue = await this.transport.request("listRecipes", {
        query: this.python === null ? {} : { python: this.python },
        timeoutMs: 60_000,
      });
      const parent = target.from === null ? null : await this.transport.request("getRun", { params: { id: target.from } });
      const wanted = parent?.recipe ?? (target.script === null ? target.recipe : "script");
      const recipe = catalogue.recipes.find((candidate) => candidate.id === wanted) ?? catalogue.recipes[0];
      if (recipe === undefined)
        throw new TrainyardError("unknown_recipe", "this Python offers no recipe", "Choose another interpreter.", catalogue.problems);
      this.catalogue = catalogue;
      const form = newForm(recipe, parent?.spec?.params ?? {}, parent?.spec?.preset ?? null);
      this.form = target.script === null ? form : setValue(form, "script", target.script);
      if (parent !== null) {
        this.name = `${parent.name}-copy`;
        this.project = parent.project;
        this.args = (parent.spec?.args ?? []).join(" ");
      }
      this.transport.setTitle("New run");
      this.#later();
    } catch (error) {
      this.problem = asProblem(error);
    }
  }

  #chooseRecipe(id: string): void {
    const recipe = this.catalogue?.recipes.find((candidate) => candidate.id === id);
    if (recipe !== undefined && this.form !== null) this.#change(switchRecipe(this.form, recipe));
  }

  #change(form: FormState): void {
    this.form = form;
    this.found = this.found.filter((p) => !p.field.startsWith("params."));
    this.#later();
  }

  #later(): void {
    clearTimeout(this.#timer);
    this.#timer = window.setTimeout(() => void this.#verify(), CHECK_AFTER_MS);
  }

  #request(spec: RunSpec): CreateRun {
    return { spec, start: true, ...(this.baseDir === null ? {} : { base_dir: this.baseDir }) };
  }

  get #errors(): number {
    return this.form === null ? 0 : [...problems(this.form).values()].filter((p) => p.severity === "error").length;
  }

  /** The exact command and what would go wrong, from the server and the user's Python. */
  async #verify(): Promise<void> {
    clearTimeout(this.#timer);
    const mine = ++this.#check;
    const spec = this.#spec;
    if (spec === null) {
      this.found = [
        {
          severity: "error",
          field: "project",
          message: "The name or the project cannot be used.",
          hint: "Use letters, digits, '.', '_' and '-'.",
        },
      ];
      return;
    }
    if (this.#errors > 0) {
      this.dryRun = null;
      this.found = [];
      return;
    }
    this.checking = true;
    try {
      const body = this.#request(spec);
      const dryRun = await this.transport.request("dryRun", { body });
      const report = await this.transport.request("preflight", { body, timeoutMs: 60_000 });
      if (mine !== this.#check) return;
      this.dryRun = dryRun;
      this.found = report.problems;
    } catch (error) {
      if (mine === this.#check) this.#refused(asProblem(error));
    } finally {
      if (mine === this.#check) this.checking = false;
    }
  }

  #refused(error: TrainyardError): void {
    this.dryRun = null;
    const whole: Problem = { severity: "error", field: "", message: error.message, hint: error.hint };
    this.found = error.problems.length > 0 ? error.problems : [whole];
  }

  async #start(): Promise<void> {
    const spec = this.#spec;
    if (spec === null || this.busy || this.#errors > 0 || !this.trusted) return;
    this.busy = true;
    try {
      const run = await this.transport.request("createRun", { body: { ...this.#request(spec), source: this.#yaml }, timeoutMs: 120_000 });
      this.transport.command({ command: "open_run", run: run.id });
    } catch (error) {
      this.#refused(asProblem(error));
    } finally {
      this.busy = false;
    }
  }

  async #pick(key: string, kind: "file" | "folder" | "any"): Promise<void> {
    const path = await this.transport.pickPath(kind);
    if (path !== null && this.form !== null) this.#change(setValue(this.form, key, path));
  }

  #goTo(section: string): void {
    this.renderRoot.querySelector(`#section-${CSS.escape(section)}`)?.scrollIntoView({ block: "start" });
  }

  readonly #onKey = (event: KeyboardEvent): void => {
    if ((event.ctrlKey || event.metaKey) && event.key === "Enter") {
      event.preventDefault();
      void this.#start();
    } else if (event.altKey && /^[1-9]$/.test(event.key) && this.form !== null) {
      const section = sections(this.form, this.filter, new Set())[Number(event.key) - 1];
      if (section === undefined) return;
      event.preventDefault();
      this.#goTo(section.id);
    }
  };
}

declare global {
  interface HTMLElementTagNameMap {
    "ty-builder": Builder;
  }
}
