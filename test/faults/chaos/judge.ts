/** Which final states are true, from what the driver did and what the training wrote down; nothing that Trainyard says is used. */
import type { RunState } from "../../../protocol/states.ts";
import type { Journal } from "./journal.ts";
import type { TrainingPlan, Transition, Victim } from "./plan.ts";

export interface Kill {
  readonly victim: Victim;
  readonly during: Transition;
  /** Of a killed rank. */
  readonly rank: number | null;
  /** ms since the epoch. */
  readonly time: number;
}

export interface RunFacts {
  readonly plan: TrainingPlan;
  readonly journal: Journal;
  /** Of this run's own processes; the server's deaths must make no difference. */
  readonly kills: readonly Kill[];
  /** When the request for a stop was sent; `answered`: the server said yes, so that it is certain. */
  readonly stop: { readonly time: number; readonly answered: boolean } | null;
}

/** Signals and clocks of two processes meet within this: what lies closer together may have gone either way. */
const RACE_MS = 300;
/** How long a supervisor waits for what outlives the training before it writes down the end. */
const LEFTOVERS_MS = 12_000;

export function trueStates(facts: RunFacts): Set<RunState> {
  const { journal, kills, stop } = facts;
  const lastSign = journal.ending?.time ?? journal.steps.at(-1)?.time ?? null;
  const killed = kills.find((kill) => kill.victim === "training" || kill.victim === "rank") ?? rankThatFailedFirst(facts);
  const endTime = Math.min(killed?.time ?? Infinity, journal.ending?.time ?? Infinity);
  const natural = naturalStates(facts, killed?.time ?? null, endTime);
  if (stop === null) return natural;
  const certain = stop.answered && (lastSign === null || stop.time < endTime - RACE_MS);
  if (!certain) return new Set([...natural, "cancelled"]);
  // A training may reach its end before the stop takes effect; any other end after a stop is the stop's.
  return new Set(journal.ending?.how === "complete" && natural.has("completed") ? ["cancelled", "completed"] : ["cancelled"]);
}

/** Of several ranks that all fail, the launcher kills those that had not yet: also the one with the journal. */
function rankThatFailedFirst({ plan, journal }: RunFacts): Kill | null {
  if (plan.ranks === 1 || plan.end === "complete" || !journal.started || journal.ended) return null;
  return { victim: "rank", during: "finishing", rank: null, time: journal.ending?.time ?? journal.steps.at(-1)?.time ?? Infinity };
}

function naturalStates(facts: RunFacts, killedAt: number | null, endTime: number): Set<RunState> {
  const { journal, kills } = facts;
  const { seen, unseen } = wasSeen(kills, journal.startTime, endTime);
  const states = new Set<RunState>();
  const add = (whenSeen: RunState, whenUnseen: RunState): void => {
    if (seen) states.add(whenSeen);
    if (unseen) states.add(whenUnseen);
  };
  if (killedAt !== null) add("failed", "interrupted");
  if (journal.ending !== null) {
    switch (journal.ending.how) {
      case "complete":
        add("completed", "completed");
        // The kill met it between its last line and its end record.
        if (!journal.ended && killedAt !== null) add("failed", "interrupted");
        break;
      case "raise":
      case "exit":
        add("failed", "failed");
        break;
      case "hard-exit":
        add("failed", "interrupted");
        break;
      case "stopped":
        states.add("cancelled");
        break;
    }
  }
  // Its supervisor was killed before it had started anything.
  if (killedAt === null && !journal.started && kills.length > 0) for (const state of ["failed", "interrupted"] as const) states.add(state);
  return states;
}

/** Was the supervisor there when the training ended, and when it wrote that down? Both may be possible. */
function wasSeen(kills: readonly Kill[], startTime: number, endTime: number): { seen: boolean; unseen: boolean } {
  const supervisor = kills.findLast((kill) => kill.victim === "supervisor");
  if (supervisor === undefined) return { seen: true, unseen: false };
  // One that was killed before the training began may have been replaced, when its server was killed too.
  return { seen: supervisor.time > endTime - RACE_MS || supervisor.time < startTime, unseen: supervisor.time < endTime + LEFTOVERS_MS };
}
