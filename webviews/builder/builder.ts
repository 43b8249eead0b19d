/** The builder: a run document as a form, the fields of which come from the recipe that the document names. */
import { html, LitElement, nothing, type PropertyValues, type TemplateResult } from "lit";
import { customElement, property, state } from "lit/decorators.js";
import { type Problem, TrainyardError } from "../../protocol/errors.ts";
import type { JsonObject } from "../../protocol/json.ts";
import type { CreateRun, RunDetail } from "../../protocol/queries.ts";
import type { RecipeCatalogue } from "../../protocol/recipe.ts";
import type { SpecEdit } from "../../protocol/run-document/edit.ts";
import { readRunDocument, type RunDocumentReading } from "../../protocol/run-document/read.ts";
import type { PathRule } from "../../protocol/webview.ts";
import { icon } from "../components/icons.ts";
import { asProblem } from "../components/problem.ts";
import { baseStyles } from "../components/styles.ts";
import type { Transport } from "../transport/transport.ts";
import { type BuilderTarget, firstText, recipeOf } from "./beginnings.ts";
import { brokenNotice, builderHeader, unknownRecipe } from "./builder-header.ts";
import { builderStyles } from "./builder-styles.ts";
import { Checks } from "./checks.ts";
import { argsRow, fieldRow } from "./field.ts";
import {
  changesFrom,
  type FieldFilter,
  formOf,
  type FormSection,
  type FormState,
  inheritedParams,
  problems,
  provenance,
  resetValue,
  sections,
  setValue,
  switchRecipe,
  valueOf,
} from "./form-model.ts";
import { copiedText, previewPanel, type PreviewTab } from "./preview.ts";
import { previewStyles } from "./preview-styles.ts";
import { DraftDocument, type RunDocument } from "./run-document.ts";
import { sectionNav, sectionState } from "./section-nav.ts";

const TAKES_ARGS: ReadonlySet<unknown> = new Set(["script", "command"]);

@customElement("ty-builder")
export class Builder extends LitElement {
  static override styles = [...baseStyles, previewStyles, builderStyles];

  @property({ attribute: false }) transport!: Transport;
  @property({ attribute: false }) document!: RunDocument;
  @property({ attribute: false }) target: BuilderTarget = { recipe: null, from: null, script: null, document: null };
  /** Interpreter chosen in the editor, or null for the server's default. */
  @property({ attribute: false }) python: string | null = null;
  /** Folder that relative paths refer to; null = the server's default. */
  @property({ attribute: false }) baseDir: string | null = null;
  /** Is the workspace trusted? Nothing may be launched otherwise. */
  @property({ type: Boolean }) trusted = true;
  @state() private catalogue: RecipeCatalogue | null = null;
  @state() private parent: RunDetail | null = null;
  @state() private projectDefaults: JsonObject = {};
  /** The document as it stands, and as it could last be read. */
  @state() private reading: RunDocumentReading | null = null;
  @state() private readable: JsonObject = {};
  @state() private filter: FieldFilter = { search: "", changedOnly: false, advanced: false };
  @state() private problem: TrainyardError | null = null;
  @state() private busy = false;
  @state() private tab: PreviewTab = "yaml";
  readonly #drafts = new Map<string, string>();
  /** Paths of the workspace, by the rule of the fields that take them. */
  readonly #offers = new Map<string, readonly string[]>();
  readonly #checks = new Checks(
    () => {
      const body = this.#request;
      return body === null || this.#errors > 0 ? null : { transport: this.transport, body };
    },
    () => {
      this.requestUpdate();
    },
  );
  #project: unknown = null;
  #unlisten: () => void = () => undefined;

  override connectedCallback(): void {
    super.connectedCallback();
    this.addEventListener("keydown", this.#onKey);
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.removeEventListener("keydown", this.#onKey);
    this.#checks.stop();
    this.#unlisten();
  }

  override willUpdate(changed: PropertyValues<this>): void {
    if (changed.has("document")) {
      this.#unlisten();
      this.#unlisten = this.document.onChange(this.#read);
      this.#read();
    }
    if (changed.has("target") || changed.has("python") || changed.has("transport")) void this.#load();
  }

  override render(): TemplateResult {
    const { catalogue, reading, problem } = this;
    if (problem !== null && catalogue === null)
      return html`<div class="problem-page" role="alert" data-testid="builder-problem">
        ${icon("error")}<b>${problem.message}</b><span class="secondary">${problem.hint ?? ""}</span
        ><button class="button" @click=${() => void this.#load()}>Try again</button>
      </div>`;
    if (catalogue === null || reading === null) return html`<div class="loading" role="progressbar" aria-label="Loading recipes"></div>`;
    const form = this.#form;
    const broken = reading.values === null ? (reading.problems[0] ?? null) : null;
    const openText = (): void => {
      this.transport.command({ command: "open_as_text" });
    };
    const header = builderHeader(form, {
      values: this.readable,
      kind: this.document.kind,
      readOnly: broken !== null,
      recipes: catalogue.recipes,
      set: (key, text) => {
        this.#edit([{ path: [key], ...(text === "" ? {} : { value: text }) }], true);
      },
      chooseRecipe: (id) => {
        const recipe = catalogue.recipes.find((each) => each.id === id);
        if (recipe !== undefined) this.#edit(form === null ? [{ path: ["recipe"], value: id }] : switchRecipe(form, recipe));
      },
      choosePreset: (preset) => {
        this.#edit([{ path: ["preset"], ...(preset === null ? {} : { value: preset }) }]);
      },
      openText,
    });
    const own = form === null ? new Map<string, Problem>() : problems(form);
    const wrong = this.#wrong(own);
    const shown = form === null ? [] : sections(form, this.filter, new Set(wrong.keys()));
    return html`<div class="page">
      <div>${header} ${broken === null ? nothing : brokenNotice(broken, this.document.text ?? "", openText)}</div>
      <div class="body">
        ${
          form === null
            ? nothing
            : sectionNav(form, {
                shown,
                wrong,
                filter: this.filter,
                setFilter: (filter) => {
                  this.filter = filter;
                },
                goTo: (section) => {
                  this.#goTo(section);
                },
              })
        }
        <div class="form" role="form" aria-label="Parameters" ?inert=${broken !== null}>
          ${form === null ? unknownRecipe(this.readable["recipe"], catalogue) : nothing}
          ${form === null ? nothing : shown.map((section) => this.#section(form, section, wrong))}
          ${
            TAKES_ARGS.has(form?.recipe.id)
              ? argsRow(this.readable["args"], this.#drafts.get("args") ?? null, (value, draft) => {
                  this.#drafts.set("args", draft);
                  this.#edit([{ path: ["args"], ...(value.length === 0 ? {} : { value }) }], true);
                })
              : nothing
          }
          ${form !== null && shown.length === 0 ? html`<p class="secondary">No field matches.</p>` : nothing}
        </div>
        ${this.#preview(form, own)}
      </div>
    </div>`;
  }

  get #form(): FormState | null {
    const recipe = this.catalogue === null ? null : recipeOf(this.catalogue, this.readable);
    if (recipe === null) return null;
    const resolved = this.parent?.resolved?.["params"];
    const parent = typeof resolved === "object" && resolved !== null && !Array.isArray(resolved) ? resolved : this.parent?.spec?.params;
    return formOf(recipe, this.readable, { project: this.projectDefaults, parent: parent ?? null });
  }

  /** By field: what the form itself knows, then what the server and the user's Python found. */
  #wrong(own: ReadonlyMap<string, Problem>): Map<string, Problem> {
    const wrong = new Map(own);
    for (const found of this.#checks.findings.problems) {
      const key = found.field.replace(/^params\./, "");
      if (!wrong.has(key)) wrong.set(key, found);
    }
    return wrong;
  }

  #preview(form: FormState | null, own: ReadonlyMap<string, Problem>): TemplateResult {
    const { dryRun, problems: found, checking } = this.#checks.findings;
    const name = typeof this.readable["name"] === "string" ? this.readable["name"] : "";
    const parent = form?.parent ?? null;
    const text = this.document.text ?? "";
    const documentProblems = this.reading?.problems ?? [];
    return previewPanel({
      tab: this.tab,
      text,
      markedLines: new Set(documentProblems.map(({ range }) => text.slice(0, range?.[0] ?? 0).split("\n").length)),
      dryRun,
      found: [...documentProblems.map((each) => each.problem), ...found],
      changes: form === null ? [] : changesFrom(form, parent ?? inheritedParams(form)),
      changedFrom: parent === null ? "the defaults" : (this.parent?.name ?? ""),
      errors: [...own.values()].filter((p) => p.severity === "error").length,
      warnings: [...own.values()].filter((p) => p.severity === "warning").length,
      checking,
      busy: this.busy,
      trusted: this.trusted,
      startable: this.#request !== null && this.#errors === 0,
      document: this.document,
      setTab: (tab) => {
        this.tab = tab;
      },
      copy: (what) => {
        this.transport.command({
          command: "copy",
          text: copiedText(what, text, dryRun, name === "" ? (form?.recipe.id ?? "run") : name, this.target.document),
        });
      },
      dry: () => {
        this.tab = "command";
        void this.#checks.now();
      },
      save: () => {
        this.document.flush();
        this.transport.command(
          this.document.kind === "file"
            ? { command: "save_document" }
            : { command: "save_spec", yaml: text, suggested_name: `${name === "" ? (form?.recipe.id ?? "run") : name}.run.yaml` },
        );
      },
      start: () => void this.#start(),
    });
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
          offers: field["x-path"] === undefined ? [] : this.#offered(field["x-path"]),
          draft: this.#drafts.get(key) ?? null,
          change: (value, draft) => {
            if (draft === null) this.#drafts.delete(key);
            else this.#drafts.set(key, draft);
            this.#edit(setValue(form, key, value), draft !== null);
          },
          reset: () => {
            this.#drafts.delete(key);
            this.#edit(resetValue(form, key));
          },
          pick: () => void this.#pick(key, field["x-path"] ?? { kind: "any", must_exist: false }),
        }),
      )}
    </section>`;
  }

  #edit(edits: readonly SpecEdit[], typing = false): void {
    if (edits.length > 0 && this.reading?.values !== null) this.document.edit(edits, typing);
  }

  readonly #read = (): void => {
    const { text } = this.document;
    if (text === null) return;
    this.reading = readRunDocument(text);
    if (this.reading.values !== null) this.readable = this.reading.values;
    void this.#loadProject();
    this.#checks.later();
  };

  async #load(): Promise<void> {
    this.problem = null;
    this.catalogue = null;
    try {
      const { target } = this;
      const catalogue = await this.transport.request("listRecipes", {
        query: this.python === null ? {} : { python: this.python },
        timeoutMs: 60_000,
      });
      this.parent = target.from === null ? null : await this.transport.request("getRun", { params: { id: target.from } });
      if (catalogue.recipes.length === 0)
        throw new TrainyardError("unknown_recipe", "this Python offers no recipe", "Choose another interpreter.", catalogue.problems);
      this.catalogue = catalogue;
      if (this.document instanceof DraftDocument && this.document.text === null)
        this.document.begin(firstText(target, catalogue, this.parent));
      if (this.document.kind === "draft") this.transport.setTitle("New run");
      this.#checks.later();
    } catch (error) {
      this.problem = asProblem(error);
    }
  }

  /** What the project of the document gives to its runs; a project that is yet to be made gives nothing. */
  async #loadProject(): Promise<void> {
    const { project = "default" } = this.readable;
    if (project === this.#project || typeof project !== "string") return;
    this.#project = project;
    const found = await this.transport.request("getProject", { params: { project } }).catch(() => null);
    if (this.#project === project) this.projectDefaults = found?.defaults ?? {};
  }

  #offered(rule: PathRule): readonly string[] {
    const key = JSON.stringify(rule);
    const known = this.#offers.get(key);
    if (known !== undefined) return known;
    this.#offers.set(key, []);
    void this.transport.listPaths(rule).then((paths) => {
      this.#offers.set(key, paths);
      this.requestUpdate();
    });
    return [];
  }

  /** null while the document is not one that could be started. */
  get #request(): CreateRun | null {
    const spec = this.reading?.spec ?? null;
    return spec === null ? null : { spec, start: true, ...(this.baseDir === null ? {} : { base_dir: this.baseDir }) };
  }

  get #errors(): number {
    const form = this.#form;
    return form === null ? 1 : [...problems(form).values()].filter((p) => p.severity === "error").length;
  }

  async #start(): Promise<void> {
    const body = this.#request;
    if (body === null || this.busy || this.#errors > 0 || !this.trusted) return;
    this.busy = true;
    try {
      this.document.flush();
      if (this.document.kind === "file" && this.document.dirty) this.transport.command({ command: "save_document" });
      const run = await this.transport.request("createRun", { body: { ...body, source: this.document.text ?? "" }, timeoutMs: 120_000 });
      this.transport.command({ command: "open_run", run: run.id });
    } catch (error) {
      this.#checks.refused(asProblem(error));
    } finally {
      this.busy = false;
    }
  }

  async #pick(key: string, rule: PathRule): Promise<void> {
    const path = await this.transport.pickPath(rule);
    const form = this.#form;
    if (path !== null && form !== null) this.#edit(setValue(form, key, path));
  }

  #goTo(section: string): void {
    this.renderRoot.querySelector(`#section-${CSS.escape(section)}`)?.scrollIntoView({ block: "start" });
  }

  readonly #onKey = (event: KeyboardEvent): void => {
    const command = event.ctrlKey || event.metaKey;
    if (command && event.key === "Enter") {
      event.preventDefault();
      void this.#start();
    } else if (command && /^[zy]$/i.test(event.key) && this.document instanceof DraftDocument) {
      // The text of a field follows the document; its own undo would part from it. A file's undo is the editor's.
      event.preventDefault();
      this.#drafts.clear();
      if (event.shiftKey || event.key.toLowerCase() === "y") this.document.redo();
      else this.document.undo();
    } else if (event.altKey && /^[1-9]$/.test(event.key) && this.#form !== null) {
      const section = sections(this.#form, this.filter, new Set())[Number(event.key) - 1];
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
