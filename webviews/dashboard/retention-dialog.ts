/** Makes room among a run's checkpoints: a rule, what it would remove and why the others stay, and its application once it is confirmed. */
import { html, LitElement, nothing, type TemplateResult } from "lit";
import { customElement, property, query, state } from "lit/decorators.js";
import type { Checkpoint } from "../../protocol/artifact.ts";
import { counted } from "../../protocol/counted.ts";
import { TrainyardError } from "../../protocol/errors.ts";
import type { RunId } from "../../protocol/ids.ts";
import type { KeptBecause, RetentionEntry, RetentionPlan, RetentionRule } from "../../protocol/retention.ts";
import { knownDirection } from "../compare/direction.ts";
import { formatBytes, formatInteger } from "../components/format.ts";
import { icon } from "../components/icons.ts";
import { asProblem, problemText } from "../components/problem.ts";
import { baseStyles } from "../components/styles.ts";
import type { Transport } from "../transport/transport.ts";
import { retentionStyles } from "./retention-styles.ts";

/** Reasons that no number of the rule belongs to. */
const REASONS: Readonly<Record<Exclude<KeptBecause, "keep_last" | "keep_best" | "keep_every">, string>> = {
  last_complete: "the newest complete one",
  last_resumable: "the newest to resume from",
  tagged: "tagged",
  forked: "a run was forked from it",
  continued: "the run went on from it",
  writing: "being written",
  torn: "torn ones stay",
  outside: "outside of the run's folder",
  shared: "shares files with one that stays",
};

/** What the form says; a part that is off keeps its numbers. */
interface Wish {
  last: number | null;
  best: { metric: string; direction: "min" | "max"; count: number } | null;
  every: number | null;
  torn: boolean;
}

const FIRST_WISH: Wish = { last: 3, best: null, every: null, torn: false };
/** After the last key: a rule that is still being typed is not worth a request. */
const TYPING_MS = 200;

@customElement("ty-retention-dialog")
export class RetentionDialog extends LitElement {
  static override styles = [...baseStyles, retentionStyles];

  @property({ attribute: false }) transport!: Transport;
  @property({ attribute: false }) run!: RunId;
  @property({ attribute: false }) checkpoints: readonly Checkpoint[] = [];
  /** Why nothing can be changed now, or null. */
  @property({ attribute: false }) blocked: string | null = null;
  @state() private wish: Wish = FIRST_WISH;
  @state() private plan: RetentionPlan | null = null;
  @state() private problem: TrainyardError | null = null;
  @state() private busy = false;
  @query("dialog") private dialog!: HTMLDialogElement;
  #ticket = 0;
  #timer: number | undefined;

  /** Begins with the rule of the run's project, where it has one. */
  async ask(): Promise<void> {
    this.wish = FIRST_WISH;
    this.plan = null;
    this.problem = null;
    this.dialog.showModal();
    const ticket = ++this.#ticket;
    this.busy = true;
    try {
      const plan = await this.#request({ apply: false });
      if (ticket !== this.#ticket) return;
      this.wish = wishOf(plan.rule);
      this.plan = plan;
      this.busy = false;
    } catch (error) {
      if (ticket !== this.#ticket) return;
      // The project has no rule of its own.
      if (error instanceof TrainyardError && error.code === "bad_request") await this.#look();
      else this.#failed(error);
    }
  }

  override render(): TemplateResult {
    return html`<dialog aria-labelledby="title" data-testid="retention-dialog" @close=${this.#onClose}>
      <h2 id="title">Clean up checkpoints</h2>
      ${this.plan?.applied === true ? nothing : this.#form()}
      ${this.problem === null ? nothing : html`<p class="error" role="alert" data-testid="retention-problem">${problemText(this.problem)}</p>`}
      ${this.plan === null ? nothing : this.#table(this.plan)} ${this.#buttons()}
    </dialog>`;
  }

  #form(): TemplateResult {
    const { wish } = this;
    const metrics = this.#metrics;
    const best = wish.best;
    return html`<fieldset ?disabled=${this.blocked !== null}>
      <legend class="visually-hidden">What stays</legend>
      <div class="rule">
        ${this.#tick("last", "Keep the last", wish.last !== null, (on) => ({ last: on ? 3 : null }))}
        ${wish.last === null ? nothing : this.#number("last-count", "How many of the last", wish.last, (last) => ({ last }))}
      </div>
      ${
        metrics.length === 0
          ? nothing
          : html`<div class="rule">
              ${this.#tick("best", "Keep the best", best !== null, (on) => ({ best: on ? firstBest(metrics) : null }))}
              ${
                best === null
                  ? nothing
                  : html`${this.#number("best-count", "How many of the best", best.count, (count) => ({ best: { ...best, count } }))} by
                      <select
                        class="input"
                        aria-label="Metric"
                        data-testid="retention-metric"
                        @change=${(event: Event) => {
                          const metric = (event.target as HTMLSelectElement).value;
                          this.#change({ best: { ...best, metric, direction: betterOf(metric) } });
                        }}
                      >
                        ${[...new Set([...metrics, best.metric])].map((name) => html`<option value=${name} ?selected=${name === best.metric}>${name}</option>`)}
                      </select>
                      <select
                        class="input"
                        aria-label="Which values are best"
                        data-testid="retention-direction"
                        @change=${(event: Event) => {
                          const direction = (event.target as HTMLSelectElement).value === "max" ? "max" : "min";
                          this.#change({ best: { ...best, direction } });
                        }}
                      >
                        <option value="min" ?selected=${best.direction === "min"}>lowest</option>
                        <option value="max" ?selected=${best.direction === "max"}>highest</option>
                      </select>`
              }
            </div>`
      }
      <div class="rule">
        ${this.#tick("every", `Keep those at every${wish.every === null ? " so many steps" : ""}`, wish.every !== null, (on) => ({ every: on ? 1000 : null }))}
        ${wish.every === null ? nothing : html`${this.#number("every-steps", "Steps", wish.every, (every) => ({ every }))} steps`}
      </div>
      <div class="rule">${this.#tick("torn", "Remove torn ones too", wish.torn, (torn) => ({ torn }))}</div>
    </fieldset>`;
  }

  #tick(name: string, label: string, checked: boolean, change: (on: boolean) => Partial<Wish>): TemplateResult {
    return html`<label
      ><input
        type="checkbox"
        .checked=${checked}
        data-testid="retention-${name}"
        @change=${(event: Event) => {
          this.#change(change((event.target as HTMLInputElement).checked));
        }}
      />${label}</label
    >`;
  }

  #number(name: string, label: string, value: number, change: (value: number) => Partial<Wish>): TemplateResult {
    return html`<input
      class="input"
      type="number"
      min="1"
      step="1"
      required
      .value=${String(value)}
      aria-label=${label}
      data-testid="retention-${name}"
      @input=${(event: Event) => {
        const typed = (event.target as HTMLInputElement).valueAsNumber;
        // An empty or broken number is none: the last plan is not offered while it stands.
        if (Number.isSafeInteger(typed) && typed >= 1) this.#change(change(typed));
        else this.#refuse("Give a whole number of at least 1.");
      }}
    />`;
  }

  #table(plan: RetentionPlan): TemplateResult {
    const gone = plan.applied ? "removed" : "goes";
    return html`<p class="sum" data-testid="retention-sum" aria-live="polite">${sumText(plan)}</p>
      <div class="scroll ${this.busy ? "old" : ""}" tabindex="0" role="region" aria-label="Checkpoints">
        <table aria-label="What goes and what stays">
          <thead>
            <tr>
              <th scope="col">Checkpoint</th>
              <th scope="col" class="number">Step</th>
              <th scope="col" class="number">Size</th>
              <th scope="col"></th>
            </tr>
          </thead>
          <tbody>
            ${plan.checkpoints.map((one) => row(one, plan.rule, gone))}
          </tbody>
        </table>
      </div>`;
  }

  #buttons(): TemplateResult {
    const { plan } = this;
    const close = html`<button
      class="button ${plan?.applied === true ? "primary" : ""}"
      data-testid="retention-close"
      @click=${() => {
        this.dialog.close();
      }}
    >
      ${plan?.applied === true ? "Close" : "Cancel"}
    </button>`;
    if (plan?.applied === true) return html`<div class="buttons">${close}</div>`;
    const count = plan?.removed_count ?? 0;
    return html`${count === 0 ? nothing : html`<p class="warning">${icon("warning")} Removed checkpoints cannot be brought back.</p>`}
      <div class="buttons">
        ${close}
        <button
          class="button primary"
          data-testid="retention-apply"
          title=${this.blocked ?? ""}
          ?disabled=${plan === null || count === 0 || this.busy || this.problem !== null || this.blocked !== null}
          @click=${() => void this.#apply()}
        >
          ${count === 0 ? "Remove" : `Remove ${formatInteger(count)} (${formatBytes(plan?.removed_bytes)})`}
        </button>
      </div>`;
  }

  /** Metrics that any of the checkpoints has a value of. */
  get #metrics(): string[] {
    return [...new Set(this.checkpoints.flatMap((one) => Object.keys(one.metrics)))].sort();
  }

  #change(part: Partial<Wish>): void {
    this.wish = { ...this.wish, ...part };
    this.problem = null;
    this.busy = true;
    this.#ticket++;
    clearTimeout(this.#timer);
    this.#timer = window.setTimeout(() => void this.#look(), TYPING_MS);
  }

  #refuse(message: string): void {
    clearTimeout(this.#timer);
    this.#ticket++;
    this.busy = false;
    this.problem = new TrainyardError("bad_request", message);
  }

  async #look(): Promise<void> {
    const rule = ruleOf(this.wish);
    if (rule === null) {
      this.#refuse("Say what stays: the last, the best, or those at every so many steps.");
      return;
    }
    const ticket = ++this.#ticket;
    this.busy = true;
    try {
      const plan = await this.#request({ rule, apply: false });
      if (ticket !== this.#ticket) return;
      this.plan = plan;
      this.problem = null;
      this.busy = false;
    } catch (error) {
      if (ticket === this.#ticket) this.#failed(error);
    }
  }

  async #apply(): Promise<void> {
    const { plan } = this;
    if (plan === null) return;
    const ticket = ++this.#ticket;
    this.busy = true;
    this.problem = null;
    try {
      const done = await this.#request({ rule: plan.rule, apply: true });
      if (ticket !== this.#ticket) return;
      this.plan = done;
      this.busy = false;
    } catch (error) {
      if (ticket === this.#ticket) this.#failed(error);
    }
  }

  #request(body: { rule?: RetentionRule; apply: boolean }): Promise<RetentionPlan> {
    return this.transport.request("retainCheckpoints", { params: { id: this.run }, body });
  }

  #failed(error: unknown): void {
    this.busy = false;
    this.problem = asProblem(error);
  }

  /** An answer that is still under way has nobody to tell. */
  readonly #onClose = (): void => {
    clearTimeout(this.#timer);
    this.#ticket++;
    this.busy = false;
  };
}

function reasonText(because: KeptBecause, { keep_last: last, keep_best: best, keep_every: every }: RetentionRule): string {
  switch (because) {
    case "keep_last":
      return `among the last ${formatInteger(last ?? 1)}`;
    case "keep_best":
      return `among the best ${formatInteger(best?.count ?? 1)}`;
    case "keep_every":
      return `every ${counted(every ?? 1, "step")}`;
    default:
      return REASONS[because];
  }
}

function row({ name, step, size_bytes: size, kept_because: because }: RetentionEntry, rule: RetentionRule, gone: string): TemplateResult {
  const goes = because.length === 0;
  return html`<tr class=${goes ? "goes" : ""} data-testid="retention-row" data-step=${step} data-goes=${goes ? "true" : "false"}>
    <td class="truncate" title=${name}><bdi>${name}</bdi></td>
    <td class="number">${formatInteger(step)}</td>
    <td class="number">${formatBytes(size)}</td>
    <td class=${goes ? "" : "secondary"}>
      ${goes ? html`${icon("trash")} ${gone}` : `stays: ${because.map((one) => reasonText(one, rule)).join(", ")}`}
    </td>
  </tr>`;
}

function sumText({ removed_count: count, removed_bytes: removed, kept_bytes: kept, checkpoints, applied }: RetentionPlan): string {
  const stay = `${counted(checkpoints.length - count, "stays", "stay")} (${formatBytes(kept)})`;
  if (count === 0) return `Nothing ${applied ? "was removed" : "would go"}; ${stay}.`;
  const what = `${counted(count, "checkpoint")} (${formatBytes(removed)})`;
  return applied ? `Removed ${what}; ${stay}.` : `${what} would go; ${stay}.`;
}

/** @returns null for a wish that keeps nothing */
function ruleOf({ last, best, every, torn }: Wish): RetentionRule | null {
  if (last === null && best === null && every === null) return null;
  return {
    ...(last === null ? {} : { keep_last: last }),
    ...(best === null ? {} : { keep_best: best }),
    ...(every === null ? {} : { keep_every: every }),
    remove_torn: torn,
  };
}

function wishOf(rule: RetentionRule): Wish {
  return { last: rule.keep_last ?? null, best: rule.keep_best ?? null, every: rule.keep_every ?? null, torn: rule.remove_torn };
}

/** The loss of an evaluation before anything else: it is what most mean by best. */
function firstBest(metrics: readonly string[]): Wish["best"] {
  const metric = metrics.find((name) => /eval.*loss$/.test(name)) ?? metrics[0];
  return metric === undefined ? null : { metric, direction: betterOf(metric), count: 1 };
}

/** Where the name does not say it the form does, beside it. */
function betterOf(metric: string): "min" | "max" {
  return knownDirection(metric) === "higher" ? "max" : "min";
}

declare global {
  interface HTMLElementTagNameMap {
    "ty-retention-dialog": RetentionDialog;
  }
}
