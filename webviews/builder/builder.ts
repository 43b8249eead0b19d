/** The builder: a run document as a form, the fields of which come from the recipe that the document names. */
import { html, LitElement, nothing, type PropertyValues, type TemplateResult } from "lit";
import { customElement, property, state } from "lit/decorators.js";
import type { Problem, TrainyardError } from "../../protocol/errors.ts";
import type { JsonObject } from "../../protocol/json.ts";
import type { RunId } from "../../protocol/ids.ts";
import type { CreateRun } from "../../protocol/queries.ts";
import type { Template } from "../../protocol/preset.ts";
import type { RecipeCatalogue } from "../../protocol/recipe.ts";
import type { SpecEdit } from "../../protocol/run-document/edit.ts";
import { lineAt, readRunDocument, type RunDocumentReading } from "../../protocol/run-document/read.ts";
import type { PathRule } from "../../protocol/webview.ts";
import { documentTheme } from "../components/theme.ts";
import { icon } from "../components/icons.ts";
import { asProblem } from "../components/problem.ts";
import { baseStyles } from "../components/styles.ts";
import type { Transport } from "../transport/transport.ts";
import { type BuilderTarget, firstText, recipeOf, askCatalogue, ASK_AGAIN_MS } from "./beginnings.ts";
import { brokenNotice, builderHeader, loadProblem, shownText, unknownRecipe } from "./builder-header.ts";
import { builderStyles, formPartStyles } from "./builder-styles.ts";
import { onBuilderKey } from "./builder-keys.ts";
import { byField, Checks, requestOf, requestWithoutSweep } from "./checks.ts";
import "./dataset-panel.ts";
import { argsRow, fieldRow, takesArgs } from "./field.ts";
import {
  changesFrom,
  type FieldFilter,
  type FormSection,
  type FormState,
  inheritedParams,
  problems,
  provenance,
  resetValue,
  sections,
  setValue,
  switchRecipe,
  takeParams,
  valueOf,
} from "./form-model.ts";
import { Origins } from "./origins.ts";
import { PathOffers } from "./path-offers.ts";
import { copiedText, previewPanel, type PreviewTab } from "./preview.ts";
import { previewStyles } from "./preview-styles.ts";
import { DraftDocument, type RunDocument } from "./run-document.ts";
import { sectionNav, sectionState } from "./section-nav.ts";
import { startDocument } from "./start-document.ts";
import "./sweep-form.ts";
import { sweepPreview, sweepStep } from "./sweep-runs.ts";
import { takeTemplate } from "./take-template.ts";
import type { TemplatesView } from "./templates.ts";

@customElement("ty-builder")
export class Builder extends LitElement {
  static override styles = [...baseStyles, previewStyles, formPartStyles, builderStyles];

  @property({ attribute: false }) transport!: Transport;
  @property({ attribute: false }) document!: RunDocument;
  @property({ attribute: false }) target: BuilderTarget = { recipe: null, from: null, script: null, dataset: null, document: null };
  /** Interpreter chosen in the editor, or null for the server's default. */
  @property({ attribute: false }) python: string | null = null;
  /** Folder that relative paths refer to; null = the server's default. */
  @property({ attribute: false }) baseDir: string | null = null;
  /** Is the workspace trusted? Nothing may be launched otherwise. */
  @property({ type: Boolean }) trusted = true;
  @state() private catalogue: RecipeCatalogue | null = null;
  /** The document as it stands, and as it could last be read. */
  @state() private reading: RunDocumentReading | null = null;
  @state() private readable: JsonObject = {};
  @state() private filter: FieldFilter = { search: "", changedOnly: false, advanced: false };
  @state() private problem: TrainyardError | null = null;
  @state() private busy = false;
  @state() private tab: PreviewTab = "yaml";
  readonly #drafts = new Map<string, string>();
  readonly #redraw = (): void => {
    this.requestUpdate();
  };
  readonly #offers = new PathOffers(this.#redraw);
  readonly #checks = new Checks(() => {
    const body = this.#request;
    return body === null || this.#errors > 0 ? null : { transport: this.transport, body };
  }, this.#redraw);
  readonly #origins = new Origins(() => {
    this.requestUpdate();
    this.#checks.later();
  });
  #unlisten: () => void = () => undefined;

  override connectedCallback(): void {
    super.connectedCallback();
    // Not on the element: after a click on what is gone since, the page itself has the focus.
    window.addEventListener("keydown", this.#onKey);
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    window.removeEventListener("keydown", this.#onKey);
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
    if (problem !== null && catalogue === null) return loadProblem(problem, () => void this.#load());
    if (catalogue === null || reading === null) return html`<div class="loading" role="progressbar" aria-label="Loading recipes"></div>`;
    const form = this.#form;
    const broken = reading.values === null ? (reading.problems[0] ?? null) : null;
    const templates: TemplatesView = {
      list: this.#origins.templates,
      text: this.document.text ?? "",
      transport: this.transport,
      choose: (template) => void this.#startFrom(null, template),
      changed: () => void this.#origins.findTemplates(this.transport),
    };
    const openText = (): void => {
      this.transport.command({ command: "open_as_text" });
    };
    const header = builderHeader(form, {
      values: this.readable,
      kind: this.document.kind,
      readOnly: broken !== null,
      catalogue,
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
      transport: this.transport,
      python: this.python,
      reload: () => void this.#load(true),
      templates,
    });
    const own = form === null ? new Map<string, Problem>() : problems(form);
    const wrong = byField(own, this.#checks.findings.problems);
    const shown = form === null ? [] : sections(form, this.filter, new Set(wrong.keys()));
    return html`<div class="page">
      <div>${header} ${broken === null ? nothing : brokenNotice(broken, this.document.text ?? "", openText)}</div>
      <div class="body">
        ${
          form === null
            ? nothing
            : sectionNav(form, {
                shown: [...shown, sweepStep(this.readable)],
                wrong,
                filter: this.filter,
                setFilter: (filter) => {
                  this.filter = filter;
                },
                goTo: (section) => {
                  this.#goTo(section);
                },
                recent: this.#origins.recent(form.recipe.id),
                parent: this.#origins.parent?.id ?? null,
                startFrom: (run) => void this.#startFrom(run),
                templates,
              })
        }
        <div class="form" role="form" aria-label="Parameters" ?inert=${broken !== null}>
          ${form === null ? unknownRecipe(this.readable["recipe"]) : shown.map((section) => this.#section(form, section, wrong))}
          ${
            takesArgs(form, this.readable)
              ? argsRow(this.readable["args"], this.#drafts.get("args") ?? null, (value, draft) => {
                  this.#drafts.set("args", draft);
                  this.#edit([{ path: ["args"], ...(value.length === 0 ? {} : { value }) }], true);
                })
              : nothing
          }
          ${form === null ? nothing : this.#sweep(form)}
          ${form !== null && shown.length === 0 ? html`<p class="secondary">No field matches.</p>` : nothing}
        </div>
        ${this.#preview(form, own)}
      </div>
    </div>`;
  }

  get #form(): FormState | null {
    const named = this.catalogue === null ? null : recipeOf(this.catalogue, this.readable);
    return named === null ? null : this.#origins.form(named, this.readable);
  }

  #preview(form: FormState | null, own: ReadonlyMap<string, Problem>): TemplateResult {
    const { dryRun, plan, report, problems: found, checking } = this.#checks.findings;
    const request = this.#request;
    const name = shownText(this.readable["name"]) || (form?.recipe.id ?? "run");
    const text = this.document.text ?? "";
    const documentProblems = this.reading?.problems ?? [];
    return previewPanel({
      tab: this.tab,
      text,
      markedLines: new Set(documentProblems.map(({ range }) => lineAt(text, range?.[0] ?? 0))),
      dryRun,
      preset: form?.preset ?? null,
      found: [...documentProblems.map((each) => each.problem), ...found],
      changes: form === null ? [] : changesFrom(form, form.parent ?? inheritedParams(form)),
      changedFrom: this.#origins.parent?.name ?? "the defaults",
      errors: [...own.values()].filter((p) => p.severity === "error").length,
      warnings: [...own.values()].filter((p) => p.severity === "warning").length,
      checking,
      busy: this.busy,
      trusted: this.trusted,
      startable: request !== null && this.#errors === 0,
      estimate: report?.estimate ?? null,
      theme: documentTheme().value.kind,
      dataset:
        form?.recipe.schema.properties["train_file"] === undefined
          ? null
          : html`<ty-dataset-panel .transport=${this.transport} .request=${request} data-testid="dataset"></ty-dataset-panel>`,
      sweep: this.readable["sweep"] === undefined ? null : sweepPreview(plan, checking),
      fix: ({ path, value }) => {
        this.#drafts.delete(path.replace(/^params\./, ""));
        this.#edit([{ path: path.split("."), value }]);
      },
      document: this.document,
      setTab: (tab) => {
        this.tab = tab;
      },
      copy: (what) => {
        this.transport.command({ command: "copy", text: copiedText(what, text, dryRun, name, this.target.document) });
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
            : { command: "save_spec", yaml: text, suggested_name: `${name}.run.yaml` },
        );
      },
      start: (queue) => void this.#start(queue),
    });
  }

  #sweep(form: FormState): TemplateResult {
    return html`<ty-sweep-form
      id="section-sweep"
      .transport=${this.transport}
      .form=${form}
      .values=${this.readable}
      .problems=${[...(this.reading?.problems.map(({ problem }) => problem) ?? []), ...this.#checks.findings.problems]}
      @spec-edit=${(event: CustomEvent<readonly SpecEdit[]>) => {
        this.#edit(event.detail);
        if (this.readable["sweep"] !== undefined) this.tab = "runs";
      }}
    ></ty-sweep-form>`;
  }

  #section(form: FormState, section: FormSection, wrong: ReadonlyMap<string, Problem>): TemplateResult {
    const [symbol, tone] = sectionState(section, wrong);
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
          presetTitle: form.preset === null ? null : (form.recipe.presets[form.preset]?.title ?? null),
          problem: wrong.get(key) ?? null,
          canPick: this.transport.host === "vscode",
          offers: field["x-path"] === undefined ? [] : this.#offers.of(this.transport, field["x-path"]),
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
    const request = this.#request ?? requestWithoutSweep(text, this.reading, this.baseDir);
    this.#origins.follow(this.transport, this.readable, request, this.#form);
    this.#checks.later();
  };

  /** @param again the page stays while it is asked */
  async #load(again = false): Promise<void> {
    this.problem = null;
    if (!again) this.catalogue = null;
    try {
      const { target } = this;
      const catalogue = await askCatalogue(this.transport, this.python);
      const parent = await this.#origins.takeParent(this.transport, target.from);
      this.catalogue = catalogue;
      // The fields that are missing are being read; nobody has to open the page anew for them.
      if (!catalogue.complete) setTimeout(() => void (this.isConnected && this.#load(true)), ASK_AGAIN_MS);
      void this.#origins.findBeginnings(this.transport);
      if (this.document instanceof DraftDocument && this.document.text === null) this.document.begin(firstText(target, catalogue, parent));
      if (this.document.kind === "draft") this.transport.setTitle("New run");
      this.#read();
    } catch (error) {
      this.problem = asProblem(error);
    }
  }

  /** null while the document is not one that could be started. */
  get #request(): CreateRun | null {
    return requestOf(this.reading?.spec ?? null, this.baseDir);
  }

  get #errors(): number {
    const form = this.#form;
    return form === null ? 1 : [...problems(form).values()].filter((p) => p.severity === "error").length;
  }

  async #start(queue = false): Promise<void> {
    const body = this.#request;
    if (body === null || this.busy || this.#errors > 0 || !this.trusted) return;
    this.busy = true;
    try {
      await startDocument(this.transport, this.document, body, queue);
    } catch (error) {
      this.#checks.refused(asProblem(error));
    } finally {
      this.busy = false;
    }
  }

  /** Takes over the values of an earlier run, from then on compared with the document, or what a template says. */
  async #startFrom(run: RunId | null, template?: Template): Promise<void> {
    try {
      const parent = await this.#origins.takeParent(this.transport, run);
      this.#drafts.clear();
      if (template !== undefined) takeTemplate(this.document, this.readable, template);
      const form = this.#form;
      if (form !== null && parent !== null) this.#edit(takeParams(form, parent.spec?.preset, parent.spec?.params ?? {}));
    } catch (error) {
      this.#checks.refused(asProblem(error));
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
    onBuilderKey(event, this.document, {
      start: () => void this.#start(),
      forgetTyping: () => {
        this.#drafts.clear();
      },
      goTo: (index) => {
        const own = this.#form === null ? [] : sections(this.#form, this.filter, new Set());
        const section = [...own, sweepStep(this.readable)][index];
        if (section !== undefined) this.#goTo(section.id);
      },
    });
  };
}

declare global {
  interface HTMLElementTagNameMap {
    "ty-builder": Builder;
  }
}
