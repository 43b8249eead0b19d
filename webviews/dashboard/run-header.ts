/** The top of a dashboard: the run's name, its state, what can be done with it, and where it comes from. */
import { html, nothing, type TemplateResult } from "lit";
import type { RunId, SweepId } from "../../protocol/ids.ts";
import type { RunDetail } from "../../protocol/queries.ts";
import type { WaitingRun } from "../../protocol/queue.ts";
import { FINAL_STATES, isWaiting } from "../../protocol/state-kinds.ts";
import { formatCommit } from "../components/format.ts";
import { icon } from "../components/icons.ts";
import { offlineText } from "../components/offline.ts";
import { stateIcon, stateLabel } from "../components/state-icon.ts";
import type { Connection } from "../transport/transport.ts";

export interface HeaderView {
  readonly connection: Connection;
  /** ms since the epoch of the newest message, or null. */
  readonly lastUpdate: number | null;
  /** Why nothing can be changed now, or null. */
  readonly blocked: string | null;
  readonly canResume: boolean;
  /** Is there a checkpoint that a new run can start from? */
  readonly canFork: boolean;
  readonly star: () => void;
  /** A draft, or a run that waits in the queue, ahead of its turn. */
  readonly start: () => void;
  readonly cancel: () => void;
  readonly resume: () => void;
  readonly fork: () => void;
  readonly export: () => void;
}

export function runHeader(run: RunDetail, view: HeaderView): TemplateResult {
  const { blocked, connection } = view;
  return html`<div class="header">
    <span class="named">
      ${stateIcon(run.state)}
      <h1 class="truncate" title=${run.name} data-testid="run-name">${run.name}</h1>
    </span>
    ${
      connection.state === "connected"
        ? html`<span class="state state-${run.state}"
            ><span class="badge" data-testid="run-state" data-state=${run.state}>${stateLabel(run.state)}</span></span
          >`
        : html`<span class="state"
            ><span class="badge reconnecting" data-testid="run-state" data-state=${run.state} data-connection=${connection.state}
              >${offlineText(connection, view.lastUpdate)}</span
            ></span
          >`
    }
    <button
      class="icon-button star"
      aria-pressed=${run.starred ? "true" : "false"}
      aria-label="Star"
      title=${run.starred ? "Remove the star" : "Star this run"}
      ?disabled=${blocked !== null}
      @click=${view.star}
    >
      ${icon(run.starred ? "star-full" : "star-empty")}
    </button>
    ${run.tags.map((tag) => html`<span class="tag">${tag}</span>`)}
    <div class="buttons">
      ${
        run.state === "draft" || isWaiting(run)
          ? html`<button
              class="button keep"
              data-testid="start-run"
              ?disabled=${blocked !== null}
              title=${blocked ?? (run.state === "draft" ? "Start this draft" : "Start it ahead of its turn in the queue")}
              @click=${view.start}
            >
              ${icon("debug-start")} <span class="label">${run.state === "draft" ? "Start" : "Start now"}</span>
            </button>`
          : nothing
      }
      ${
        FINAL_STATES.has(run.state) || run.state === "draft"
          ? nothing
          : html`<button
              class="button keep"
              data-testid="cancel-run"
              ?disabled=${blocked !== null || run.state === "stopping"}
              title=${blocked ?? "Stop with a final checkpoint"}
              @click=${view.cancel}
            >
              ${icon("debug-stop")} <span class="label">${run.state === "stopping" ? "Stopping" : "Cancel"}</span>
            </button>`
      }
      ${
        view.canResume
          ? html`<button
              class="button keep"
              data-testid="resume-run"
              ?disabled=${blocked !== null}
              title=${blocked ?? "Continue this run from a checkpoint"}
              @click=${view.resume}
            >
              ${icon("debug-restart")} <span class="label">Resume</span>
            </button>`
          : nothing
      }
      ${
        view.canFork
          ? html`<button
              class="button"
              data-testid="fork-run"
              aria-label="Fork"
              ?disabled=${blocked !== null}
              title=${blocked ?? "Start a new run from a checkpoint"}
              @click=${view.fork}
            >
              ${icon("repo-forked")} <span class="label">Fork</span>
            </button>`
          : nothing
      }
      <button
        class="icon-button"
        data-testid="export-run"
        aria-label="Export"
        title="Export: a report, Parquet, CSV…"
        ?disabled=${connection.state !== "connected"}
        @click=${view.export}
      >
        ${icon("export")}
      </button>
    </div>
  </div>`;
}

/** @param place where it waits in the queue, null while it does not */
export function runMeta(
  run: RunDetail,
  place: WaitingRun | null,
  openRun: (run: RunId) => void,
  openSweep: (sweep: SweepId) => void,
): TemplateResult {
  const { sweep } = run;
  const attempt = run.attempts.at(-1);
  const model = ["model", "model_name_or_path", "base_model"].map((key) => run.params[key]).find((value) => typeof value === "string");
  const dataset = ["dataset", "dataset_path", "train_file"].map((key) => run.params[key]).find((value) => typeof value === "string");
  const parent = run.parent;
  const reason = place === null ? run.state_reason : `#${String(place.position)} in the queue. ${place.reason}`;
  return html`<div class="meta">
    ${run.store?.own === false ? html`<span data-testid="origin" title=${run.store.path}>${icon("database")} in the store ${run.store.name}</span>` : nothing}
    <span>${run.project}</span><span>${run.recipe}</span>
    ${model === undefined ? nothing : html`<span>${model}</span>`} ${dataset === undefined ? nothing : html`<span>${dataset}</span>`}
    ${
      attempt === undefined || attempt.number === 1
        ? nothing
        : html`<span data-testid="attempt"
            >${icon("history")} attempt
            ${attempt.number}${attempt.resumed_from === null ? "" : `, resumed from ${attempt.resumed_from.checkpoint}`}</span
          >`
    }
    ${
      parent === null
        ? nothing
        : html`<span data-testid="parent"
            >${icon("repo-forked")} fork of
            <button
              class="link"
              @click=${() => {
                openRun(parent.run);
              }}
            >
              ${parent.run}</button
            >${parent.checkpoint === null ? "" : ` at ${parent.checkpoint}`}</span
          >`
    }
    ${
      sweep === undefined
        ? nothing
        : html`<span data-testid="sweep-of"
            >${icon("layers")} run ${sweep.index + 1} of
            <button
              class="link"
              @click=${() => {
                openSweep(sweep.id);
              }}
            >
              its sweep
            </button></span
          >`
    }
    ${run.git === null ? nothing : html`<span>${icon("git-commit")} ${formatCommit(run.git, 7)}</span>`}
    ${reason === null || run.failure !== null ? nothing : html`<span data-testid="state-reason">${reason}</span>`}
  </div>`;
}
