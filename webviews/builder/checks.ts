/** What the server and the user's Python say of the document, asked when typing has paused. */
import type { Problem, TrainyardError } from "../../protocol/errors.ts";
import type { CreateRun } from "../../protocol/queries.ts";
import type { PreflightReport } from "../../protocol/recipe.ts";
import type { DryRun } from "../../protocol/spec.ts";
import { asProblem } from "../components/problem.ts";
import type { Transport } from "../transport/transport.ts";

const PAUSE_MS = 700;
const PATIENCE_MS = 60_000;

export interface Findings {
  readonly dryRun: DryRun | null;
  readonly report: PreflightReport | null;
  readonly problems: readonly Problem[];
  readonly checking: boolean;
}

const NOTHING: Findings = { dryRun: null, report: null, problems: [], checking: false };

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

  later(): void {
    clearTimeout(this.#timer);
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
      const dryRun = await transport.request("dryRun", { body });
      const report = await transport.request("preflight", { body, timeoutMs: PATIENCE_MS });
      if (mine === this.#check) this.#set({ dryRun, report, problems: report.problems, checking: false });
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
