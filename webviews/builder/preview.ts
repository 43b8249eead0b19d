/** The right column of the builder: the document, the exact command, what was found, and the buttons. */
import { html, nothing, type TemplateResult } from "lit";
import type { Problem } from "../../protocol/errors.ts";
import type { DryRun } from "../../protocol/spec.ts";
import { icon } from "../components/icons.ts";

export interface PreviewView {
  readonly tab: "yaml" | "command";
  readonly yaml: string;
  readonly dryRun: DryRun | null;
  /** What the server and the user's Python found. */
  readonly found: readonly Problem[];
  /** Errors and warnings of the form itself. */
  readonly errors: number;
  readonly warnings: number;
  readonly checking: boolean;
  readonly busy: boolean;
  readonly trusted: boolean;
  readonly setTab: (tab: "yaml" | "command") => void;
  readonly copy: () => void;
  readonly dry: () => void;
  readonly save: () => void;
  readonly start: () => void;
}

const TABS = [
  ["yaml", "YAML"],
  ["command", "Command"],
] as const;

export function commandText(dryRun: DryRun): string {
  return dryRun.command.map((part) => (/^[\w@%+=:,./-]+$/.test(part) ? part : `'${part.replaceAll("'", `'\\''`)}'`)).join(" ");
}

export function previewPanel(view: PreviewView): TemplateResult {
  const { dryRun } = view;
  return html`<aside class="preview" aria-label="Preview">
    <div class="tabs" role="tablist">
      ${TABS.map(
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
            ${label}
          </button>`,
      )}
      <button class="icon-button" aria-label="Copy" title="Copy" @click=${view.copy}>${icon("copy")}</button>
    </div>
    ${
      view.tab === "yaml"
        ? html`<div class="code mono" data-testid="yaml">${view.yaml.trimEnd().split("\n").map(yamlLine)}</div>`
        : html`<div class="code mono" data-testid="command">
            ${dryRun === null ? (view.checking ? "…" : "The command appears here once the form is complete.") : commandView(dryRun)}
          </div>`
    }
    ${
      view.found.length === 0 ? nothing : html`<div class="findings" role="status" data-testid="preflight">${view.found.map(finding)}</div>`
    }
    <div class="foot">
      <div class="verdict secondary" role="status" data-testid="builder-verdict">${verdict(view)}</div>
      <button class="button" data-testid="builder-dry-run" @click=${view.dry}>${icon("beaker")} Dry run</button>
      <button class="button" data-testid="builder-save" @click=${view.save}>${icon("save")} Save</button>
      <button
        class="button primary"
        data-testid="builder-start"
        aria-keyshortcuts="Control+Enter"
        ?disabled=${view.errors > 0 || view.busy || !view.trusted}
        title=${view.trusted ? "Start (Ctrl+Enter)" : "This workspace is not trusted: nothing can be launched from it"}
        @click=${view.start}
      >
        ${icon("debug-start")} ${view.busy ? "Starting…" : "Start"}
      </button>
    </div>
  </aside>`;
}

function verdict(view: PreviewView): string {
  if (!view.trusted) return "This workspace is not trusted: nothing can be launched from it.";
  if (view.errors > 0) return `${String(view.errors)} ${view.errors === 1 ? "field" : "fields"} to fix`;
  if (view.checking) return "Checking…";
  const blocking = view.found.filter((problem) => problem.severity === "error").length;
  if (blocking > 0) return `${String(blocking)} ${blocking === 1 ? "problem" : "problems"} found`;
  // The form and the preflight often warn of the same value.
  const warnings = Math.max(view.warnings, view.found.filter((problem) => problem.severity === "warning").length);
  if (warnings > 0) return `${String(warnings)} ${warnings === 1 ? "warning" : "warnings"}`;
  return view.dryRun === null ? "" : "Ready to start";
}

function finding(problem: Problem): TemplateResult {
  const tone = { error: "bad", warning: "warn", info: "secondary" }[problem.severity];
  return html`<div class="finding">
    <span class=${tone}>${icon(problem.severity)}</span>
    <span
      >${problem.field === "" ? nothing : html`<span class="mono">${problem.field}</span> `}${problem.message}
      <span class="secondary">${problem.hint ?? ""}</span></span
    >
  </div>`;
}

function yamlLine(line: string): TemplateResult {
  const match = /^(\s*(?:- )?)([\w.-]+):(.*)$/.exec(line);
  const key = match === null ? nothing : html`<span class="yaml-key">${match[2]}</span>`;
  return match === null
    ? html`<div class="code-line"><span>${line}</span></div>`
    : html`<div class="code-line"><span>${match[1]}</span>${key}<span>:${match[3]}</span></div>`;
}

function commandView(dryRun: DryRun): TemplateResult {
  const variables = Object.entries(dryRun.env).map(([name, value]) => `${name}=${value}`);
  return html`<div class="code-line secondary"><span># in ${dryRun.cwd}</span></div>
    ${variables.map((variable) => html`<div class="code-line secondary"><span>${variable}</span></div>`)}
    <div class="code-line"><span>${commandText(dryRun)}</span></div>`;
}
