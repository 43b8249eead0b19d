/** The right column of the builder: the document, the exact command, what was found, and the buttons. */
import { html, nothing, type TemplateResult } from "lit";
import { counted } from "../../protocol/counted.ts";
import type { Fix, Problem } from "../../protocol/errors.ts";
import type { RunEstimate } from "../../protocol/estimate.ts";
import type { DryRun } from "../../protocol/spec.ts";
import type { JsonValue } from "../../protocol/json.ts";
import { quote } from "../../protocol/shell-command.ts";
import type { ThemeKind } from "../charts/palette.ts";
import { icon } from "../components/icons.ts";
import { besideField } from "../components/problem.ts";
import { estimateView } from "./estimate-view.ts";
import { inputText } from "./form-model.ts";
import type { RunDocument } from "./run-document.ts";

export type PreviewTab = "yaml" | "runs" | "data" | "command" | "changes";

const UNTRUSTED = "Nothing is started in a workspace that is not trusted (Workspaces: Manage Workspace Trust).";

export interface PreviewView {
  readonly tab: PreviewTab;
  /** The document. */
  readonly text: string;
  /** Lines with something wrong in them, from 1. */
  readonly markedLines: ReadonlySet<number>;
  readonly dryRun: DryRun | null;
  /** The document's preset, which values of the dry run may come from. */
  readonly preset: string | null;
  /** What is wrong with the document, and what the server and the user's Python found. */
  readonly found: readonly Problem[];
  readonly changes: readonly FieldChange[];
  /** What the changes are counted from. */
  readonly changedFrom: string;
  /** Errors and warnings of the form itself. */
  readonly errors: number;
  readonly warnings: number;
  readonly checking: boolean;
  readonly busy: boolean;
  readonly trusted: boolean;
  /** Is the document one that the server would take? */
  readonly startable: boolean;
  readonly document: RunDocument;
  readonly estimate: RunEstimate | null;
  readonly theme: ThemeKind;
  /** Shows the dataset; null for a recipe that reads none. */
  readonly dataset: TemplateResult | null;
  /** Shows the runs of a sweep; null for a document without one. */
  readonly sweep: { readonly runs: TemplateResult; readonly start: string } | null;
  /** Carries out what cures a problem. */
  readonly fix: (fix: Fix) => void;
  readonly setTab: (tab: PreviewTab) => void;
  readonly copy: (what: CopyKind) => void;
  readonly dry: () => void;
  readonly save: () => void;
  /** @param queue when its turn comes, instead of at once */
  readonly start: (queue: boolean) => void;
}

export interface FieldChange {
  readonly key: string;
  readonly was: JsonValue | undefined;
  readonly now: JsonValue | undefined;
}

/** `shown`: what the tab shows; the others as a line for a terminal. */
export type CopyKind = PreviewTab | "cli" | "sbatch";

const TABS: readonly (readonly [PreviewTab, string])[] = [
  ["yaml", "YAML"],
  ["runs", "Runs"],
  ["data", "Data"],
  ["command", "Command"],
  ["changes", "Changes"],
];

export function commandText(dryRun: DryRun): string {
  return dryRun.command.map(quote).join(" ");
}

/** @param name of the run @param uri of its file, null for a draft */
export function copiedText(what: CopyKind, text: string, dryRun: DryRun | null, name: string, uri: string | null): string {
  switch (what) {
    case "yaml":
    case "runs":
    case "data":
    case "changes":
      return text;
    case "command":
      return dryRun === null ? "" : commandText(dryRun);
    case "cli":
    case "sbatch": {
      const file = uri === null ? `${name.replace(/[^\w.-]+/g, "-")}.run.yaml` : decodeURIComponent(new URL(uri).pathname);
      // A draft has no file yet: the line brings it along.
      const write = uri === null ? `cat > ${quote(file)} <<'END_OF_RUN'\n${text.trimEnd()}\nEND_OF_RUN\n` : "";
      const run = `trainyard run ${quote(file)}`;
      if (what === "cli") return `${write}${run}`;
      const gpus = dryRun?.env["CUDA_VISIBLE_DEVICES"]?.split(",").filter((gpu) => gpu !== "").length ?? 1;
      const folder = dryRun === null ? "" : ` --chdir=${quote(dryRun.cwd)}`;
      return `${write}sbatch --job-name=${quote(name)} --gres=gpu:${String(gpus)}${folder} --wrap=${quote(run)}`;
    }
  }
}

export function previewPanel(view: PreviewView): TemplateResult {
  return html`<aside class="preview" aria-label="Preview">
    <div class="tabs" role="tablist">
      ${TABS.filter(([tab]) => (tab !== "data" || view.dataset !== null) && (tab !== "runs" || view.sweep !== null)).map(
        ([tab, label]) =>
          html`<button
            class="toggle"
            role="tab"
            aria-selected=${view.tab === tab ? "true" : "false"}
            aria-pressed=${view.tab === tab ? "true" : "false"}
            data-testid="preview-${tab}"
            @click=${() => {
              view.setTab(tab);
            }}
          >
            ${label} ${tab === "changes" && view.changes.length > 0 ? html`<span class="count">${view.changes.length}</span>` : nothing}
          </button>`,
      )}
      <button class="icon-button" aria-label="Copy" title="Copy" @click=${copying(view, view.tab)}>${icon("copy")}</button>
    </div>
    ${tabBody(view)} ${view.estimate === null ? nothing : estimateView(view.estimate, view.theme)}
    ${
      view.found.length === 0
        ? nothing
        : html`<div class="findings" role="status" data-testid="preflight">${view.found.map((problem) => finding(problem, view.fix))}</div>`
    }
    <div class="foot">
      <div class="verdict secondary" role="status" data-testid="builder-verdict">${verdict(view)}</div>
      <span class="group">
        <button class="button" data-testid="builder-dry-run" @click=${view.dry}>${icon("beaker")} Dry run</button>
        <button
          class="button"
          data-testid="builder-save"
          ?disabled=${!view.document.dirty}
          title=${view.document.kind === "draft" ? "Save as a *.run.yaml file" : "Save (Ctrl+S)"}
          @click=${view.save}
        >
          ${icon("save")} Save
        </button>
      </span>
      <span class="group starts">
        ${
          // A sweep makes its runs itself, a few at a time.
          view.sweep !== null
            ? nothing
            : html`<button
                class="button"
                data-testid="builder-enqueue"
                ?disabled=${!view.startable || view.busy || !view.trusted}
                title=${view.trusted ? "Start it when its turn comes" : UNTRUSTED}
                @click=${() => {
                  view.start(true);
                }}
              >
                ${icon("list-ordered")} Add to queue
              </button>`
        }
        <button
          class="button primary"
          data-testid="builder-start"
          aria-keyshortcuts="Control+Enter"
          ?disabled=${!view.startable || view.busy || !view.trusted}
          title=${view.trusted ? "Start (Ctrl+Enter)" : UNTRUSTED}
          @click=${() => {
            view.start(false);
          }}
        >
          ${icon("debug-start")} ${view.busy ? "Starting…" : (view.sweep?.start ?? "Start")}
        </button>
      </span>
    </div>
  </aside>`;
}

function copying(view: PreviewView, what: CopyKind): () => void {
  return () => {
    view.copy(what);
  };
}

function tabBody(view: PreviewView): TemplateResult {
  switch (view.tab) {
    case "yaml":
      return html`<div class="code mono" data-testid="yaml">
        ${view.text
          .trimEnd()
          .split(/\r?\n/)
          .map((line, index) => yamlLine(line, view.markedLines.has(index + 1)))}
      </div>`;
    case "runs":
      return view.sweep?.runs ?? html`<div class="code"></div>`;
    case "data":
      return view.dataset ?? html`<div class="code"></div>`;
    case "command":
      return html`<div class="code" data-testid="command">
        <p class="copies">
          <button class="button" data-testid="copy-cli" @click=${copying(view, "cli")}>${icon("terminal")} Copy as CLI</button>
          <button class="button" data-testid="copy-sbatch" @click=${copying(view, "sbatch")}>${icon("server")} Copy as sbatch</button>
        </p>
        ${
          view.dryRun === null
            ? html`<p class="secondary">${view.checking ? "…" : "The command appears here once the form is complete."}</p>`
            : commandView(view.dryRun, view.preset)
        }
      </div>`;
    case "changes":
      return html`<div class="code" data-testid="changes">
        <p class="secondary">${view.changes.length === 0 ? "The same as" : "Different from"} ${view.changedFrom}</p>
        ${view.changes.map(
          ({ key, was, now }) =>
            html`<div class="change">
              <span class="mono">${key}</span><span class="mono was">${inputText(was) || "–"}</span>${icon("arrow-right")}<span class="mono"
                >${inputText(now) || "–"}</span
              >
            </div>`,
        )}
      </div>`;
  }
}

function verdict(view: PreviewView): string {
  if (!view.trusted) return UNTRUSTED;
  if (view.errors > 0) return `${counted(view.errors, "field")} to fix`;
  if (view.checking) return "Checking…";
  if (!view.startable && view.found.length === 0) return "The document is not complete";
  const blocking = view.found.filter((problem) => problem.severity === "error").length;
  if (blocking > 0) return `${counted(blocking, "problem")} found`;
  // The form and the preflight often warn of the same value.
  const warnings = Math.max(view.warnings, view.found.filter((problem) => problem.severity === "warning").length);
  if (warnings > 0) return counted(warnings, "warning");
  return view.dryRun === null ? "" : "Ready to start";
}

function finding(problem: Problem, fix: (fix: Fix) => void): TemplateResult {
  const tone = { error: "bad", warning: "warn", info: "secondary" }[problem.severity];
  const { message, hint } = besideField(problem, problem.field.replace(/^params\./, ""));
  return html`<div class="finding">
    <span class=${tone}>${icon(problem.severity)}</span>
    <span
      >${problem.field === "" || message.startsWith(problem.field) ? nothing : html`<span class="mono">${problem.field}</span> `}${message}
      <span class="secondary">${hint ?? ""}</span>
      ${(problem.fixes ?? []).map(
        (each) =>
          html`<button
            class="link"
            data-testid="fix"
            @click=${() => {
              fix(each);
            }}
          >
            ${each.label}
          </button>`,
      )}</span
    >
  </div>`;
}

function yamlLine(line: string, marked: boolean): TemplateResult {
  const comment = /^(.*?)((?:^|\s)#.*)$/.exec(line);
  const code = comment?.[1] ?? line;
  const match = /^(\s*(?:- )?)([\w.-]+):(.*)$/.exec(code);
  const body = match === null ? code : html`${match[1]}<span class="yaml-key">${match[2]}</span>:${yamlValue(match[3] ?? "")}`;
  const note = comment === null ? nothing : html`<span class="secondary">${comment[2]}</span>`;
  return html`<div class="code-line ${marked ? "marked" : ""}"><span>${body}${note}</span></div>`;
}

function yamlValue(text: string): TemplateResult | string {
  const value = text.trim();
  if (value === "" || /^[[{|>&*!]/.test(value)) return text;
  const kind = /^(true|false|null|~)$/.test(value) ? "boolean" : Number.isNaN(Number(value)) ? "string" : "number";
  return html`<span class="yaml-${kind}">${text}</span>`;
}

/** The exact command, then every value that it trains with and where it comes from. */
function commandView(dryRun: DryRun, preset: string | null): TemplateResult {
  const variables = Object.entries(dryRun.env).map(([name, value]) => `${name}=${value}`);
  const { params, sources } = dryRun.resolved;
  return html`<div class="mono">
      <div class="code-line secondary"><span># in ${dryRun.cwd}</span></div>
      ${variables.map((variable) => html`<div class="code-line secondary"><span>${variable}</span></div>`)}
      <div class="code-line"><span>${commandText(dryRun)}</span></div>
    </div>
    <h3>Resolved values</h3>
    <div class="resolved">
      ${Object.entries(params).map(
        ([key, value]) =>
          html`<span class="mono">${key}</span><span class="mono">${inputText(value) || "–"}</span
            ><span class="secondary">${sources[key] === "preset" ? `preset ${preset ?? ""}` : (sources[key] ?? "")}</span>`,
      )}
    </div>`;
}
