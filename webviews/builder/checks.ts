/** What the server and the user's Python say of the document, asked when typing has paused. */
import type { Problem, TrainyardError } from "../../protocol/errors.ts";
import type { CreateRun } from "../../protocol/queries.ts";
import type { PreflightReport } from "../../protocol/recipe.ts";
import { specOfRun } from "../../protocol/expand-sweep.ts";
import { applySpecEdits } from "../../protocol/run-document/edit.ts";
import { readRunDocument, type RunDocumentReading } from "../../protocol/run-document/read.ts";
import type { DryRun, RunSpec } from "../../protocol/spec.ts";
import type { CreateSweep, SweepPlan } from "../../protocol/sweep.ts";
import { asProblem } from "../components/problem.ts";
import type { Transport } from "../transport/transport.ts";
import { endSweep } from "./sweep-form-model.ts";

const PAUSE_MS = 700;
const PATIENCE_MS = 60_000;

/** By field: what the form itself knows, then what the server and the user's Python found. */
export function byField(own: ReadonlyMap<string, Problem>, found: readonly Problem[]): Map<string, Problem> {
  const wrong = new Map(own);
  for (const each of found) {
    const key = each.field.replace(/^params\./, "");
    if (!wrong.has(key)) wrong.set(key, each);
  }
  return wrong;
}

/** @param baseDir null for the server's own */
export function requestOf(spec: RunSpec | null, baseDir: string | null): CreateRun | null {
  return spec === null ? null : { spec, start: true, ...(baseDir === null ? {} : { base_dir: baseDir }) };
}

/** A sweep that is not complete yet says nothing against the rest of the document. */
export function requestWithoutSweep(text: string, { values }: RunDocumentReading, baseDir: string | null): CreateRun | null {
  return values === null ? null : requestOf(readRunDocument(applySpecEdits(text, endSweep())).spec, baseDir);
}

/** What a sweep is planned and made of. */
export function planBody({ spec, base_dir }: CreateRun): CreateSweep {
  return { spec, ...(base_dir === undefined ? {} : { base_dir }) };
}

export interface Findings {
  readonly dryRun: DryRun | null;
  /** The runs of a document with a sweep; the rest is about the first of them. */
  readonly plan: SweepPlan | null;
  readonly report: PreflightReport | null;
  readonly problems: readonly Problem[];
  readonly checking: boolean;
}

const NOTHING: Findings = { dryRun: null, plan: null, report: null, problems: [], checking: false };

export class Checks {
  readonly #ask: () => { readonly transport: Transport; readonly body: CreateRun } | null;
  readonly #changed: () => void;
  #findings: Findings = NOTHING;
  #timer: number | undefined;
  /** Counts checks, so that a late answer to an older document is dropped. */
  #check = 0;

  /** @param ask what to check; null while the document is not fit for it */
  constructor(ask: () => { readonly transport: Transport; readonly body: CreateRun } | null, changed: () => void) {
    this.#ask = ask;
    this.#changed = changed;
  }

  get findings(): Findings {
    return this.#findings;
  }

  /** What was said of the fields may be wrong by now; the rest stands until the next answer. */
  later(): void {
    clearTimeout(this.#timer);
    const problems = this.#findings.problems.filter((problem) => !problem.field.startsWith("params."));
    if (problems.length < this.#findings.problems.length) this.#set({ ...this.#findings, problems });
    this.#timer = window.setTimeout(() => void this.now(), PAUSE_MS);
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#check++;
  }

  /** The exact command and what would go wrong. */
  async now(): Promise<void> {
    this.stop();
    const mine = this.#check;
    const asked = this.#ask();
    if (asked === null) {
      this.#set(NOTHING);
      return;
    }
    const { transport, body } = asked;
    this.#set({ ...this.#findings, checking: true });
    try {
      const plan =
        body.spec.sweep === undefined ? null : await transport.request("planSweep", { body: planBody(body), timeoutMs: PATIENCE_MS });
      const first = plan?.runs[0];
      const one = first === undefined ? body : { ...body, spec: specOfRun(body.spec, first, 0) };
      const dryRun = await transport.request("dryRun", { body: one });
      const report = await transport.request("preflight", { body: one, timeoutMs: PATIENCE_MS });
      if (mine === this.#check) this.#set({ dryRun, plan, report, problems: report.problems, checking: false });
    } catch (error) {
      if (mine === this.#check) this.refused(asProblem(error));
    }
  }

  refused(error: TrainyardError): void {
    const whole: Problem = { severity: "error", field: "", message: error.message, hint: error.hint };
    this.#set({ ...NOTHING, problems: error.problems.length > 0 ? error.problems : [whole] });
  }

  #set(findings: Findings): void {
    this.#findings = findings;
    this.#changed();
  }
}
