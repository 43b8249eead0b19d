/** How far a run is. Pure. */
import type { Progress } from "../../protocol/run.ts";
import type { PlanRecord } from "./outcome.ts";

export interface ProgressFacts {
  readonly plan: Pick<PlanRecord, "first_step" | "max_steps" | "max_epochs"> | null;
  readonly newest: { readonly step: number; readonly epoch: number | null } | null;
  readonly secondsPerStep: number | null;
  readonly elapsedSeconds: number;
  /** Only a run that goes on has a remaining time. */
  readonly live: boolean;
}

export function progressOf(facts: ProgressFacts): Progress | null {
  const { plan, newest, secondsPerStep } = facts;
  if (plan === null && newest === null) return null;
  const step = Math.max(0, Math.floor(newest?.step ?? plan?.first_step ?? 0));
  const epoch = newest?.epoch == null || !(newest.epoch >= 0) ? null : newest.epoch;
  const maxEpochs = plan?.max_epochs ?? null;
  const target = plan?.max_steps ?? stepsFromEpochs(step, epoch, maxEpochs);
  const fraction =
    target !== null ? Math.min(1, step / target) : epoch !== null && maxEpochs !== null ? Math.min(1, epoch / maxEpochs) : null;
  const pace = secondsPerStep !== null && secondsPerStep > 0 && Number.isFinite(secondsPerStep) ? secondsPerStep : null;
  return {
    step,
    max_steps: plan?.max_steps ?? null,
    epoch,
    max_epochs: maxEpochs,
    fraction,
    elapsed_seconds: Math.max(0, facts.elapsedSeconds),
    eta_seconds: facts.live && pace !== null && target !== null ? Math.max(0, target - step) * pace : null,
    steps_per_second: pace === null ? null : 1 / pace,
  };
}

/** A plan in epochs alone: the steps so far say how many an epoch has. */
function stepsFromEpochs(step: number, epoch: number | null, maxEpochs: number | null): number | null {
  if (epoch === null || maxEpochs === null || epoch <= 0 || step === 0) return null;
  return Math.max(step, Math.round((step / epoch) * maxEpochs));
}
