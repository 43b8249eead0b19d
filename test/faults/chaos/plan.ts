/** What a round will do, drawn from a seed: which trainings run, who is killed at which moment, who asks for a stop. */
import type { Chance } from "./random.ts";

export type Victim = "server" | "supervisor" | "training" | "rank";

/** Something that happens to a run and can be seen from outside. */
export type Moment =
  | { readonly at: "created" | "supervisor seen" | "training seen" | "process.json" | "stop.json" | "ending" | "exit.json" }
  | { readonly at: "step"; readonly step: number };

/** Where in its life a run is at a moment. */
export const TRANSITIONS = ["queued", "starting", "running", "stopping", "finishing"] as const;
export type Transition = (typeof TRANSITIONS)[number];

const TRANSITION_OF: Readonly<Record<Moment["at"], Transition>> = {
  created: "queued",
  "supervisor seen": "starting",
  "training seen": "starting",
  "process.json": "starting",
  step: "running",
  "stop.json": "stopping",
  ending: "finishing",
  "exit.json": "finishing",
};

export function transitionOf(moment: Moment): Transition {
  return TRANSITION_OF[moment.at];
}

export interface Ambush {
  readonly moment: Moment;
  /** ms after the moment. */
  readonly delayMs: number;
  /** Killed one right after the other. */
  readonly victims: readonly Victim[];
}

export interface TrainingPlan {
  readonly name: string;
  readonly steps: number;
  readonly secondsPerStep: number;
  readonly end: "complete" | "raise" | "exit" | "hard-exit";
  readonly deaf: boolean;
  readonly child: boolean;
  readonly ranks: number;
  /** Who starts the ranks: the training itself, or a real torchrun with real collectives (gloo). */
  readonly launcher: "itself" | "torchrun";
  /** ms after the round began. */
  readonly createAfterMs: number;
  readonly ambushes: readonly Ambush[];
  readonly stop: { readonly step: number; readonly force: boolean; readonly graceSeconds: number } | null;
}

export interface RoundPlan {
  readonly trainings: readonly TrainingPlan[];
  /** How long each death of the server lasts, in ms; used in turn. */
  readonly downtimesMs: readonly number[];
  /** After so many deaths the next server is killed again as soon as it has announced itself. */
  readonly killAgainAfter: ReadonlySet<number>;
  /** The last server starts without the index of the one before. */
  readonly loseCatalogue: boolean;
}

const TRAININGS = 4;

/** Once in so many rounds: three processes that load torch take longer than all the rest of a round. */
const TORCHRUN_EVERY = 6;

/** @param longDowntimeMs how long one death of the server lasts at least; 0 for a round without a long one */
export function planRound(chance: Chance, round: number, longDowntimeMs: number): RoundPlan {
  const downtimes = Array.from({ length: 12 }, () => (chance.happens(0.5) ? chance.between(0, 200) : chance.between(500, 3000)));
  if (longDowntimeMs > 0) downtimes[0] = longDowntimeMs;
  const trainings = Array.from({ length: TRAININGS }, (_, index) => planTraining(chance, `round ${round} run ${index + 1}`));
  if (round % TORCHRUN_EVERY === 1) trainings[0] = planTorchrun(chance, `round ${round} torchrun`);
  return {
    trainings,
    downtimesMs: downtimes,
    killAgainAfter: new Set([0, 1, 2, 3, 4, 5].filter(() => chance.happens(0.3))),
    loseCatalogue: chance.happens(0.5),
  };
}

function planTraining(chance: Chance, name: string): TrainingPlan {
  const steps = chance.between(60, 260);
  const secondsPerStep = chance.pick([0.005, 0.01, 0.02]);
  const ranks = chance.happens(0.3) ? 2 : 1;
  const stop = chance.happens(0.3)
    ? { step: chance.between(2, steps), force: chance.happens(0.3), graceSeconds: chance.pick([0, 1, 30]) }
    : null;
  const ambushes = [planAmbush(chance, steps, ranks, stop !== null)];
  while (ambushes.length < 3 && chance.happens(0.5)) ambushes.push(planAmbush(chance, steps, ranks, stop !== null));
  return {
    name,
    steps,
    secondsPerStep,
    end: chance.pick(["complete", "complete", "complete", "raise", "exit", "hard-exit"] as const),
    // One that hears no stop and ends late would hold the round up for its whole grace time.
    deaf: stop !== null && stop.graceSeconds <= 1 && chance.happens(0.4),
    child: chance.happens(0.2),
    ranks,
    launcher: "itself",
    createAfterMs: chance.between(0, 2500),
    ambushes,
    stop,
  };
}

/** A pair of which one rank is killed; half of the time its server dies too while it starts. */
function planTorchrun(chance: Chance, name: string): TrainingPlan {
  const steps = chance.between(60, 120);
  const rank: Ambush = { moment: { at: "step", step: chance.between(1, steps - 20) }, delayMs: chance.between(0, 40), victims: ["rank"] };
  const server: Ambush = { moment: { at: "training seen" }, delayMs: chance.between(0, 1000), victims: ["server"] };
  return {
    name,
    steps,
    secondsPerStep: 0.02,
    end: "complete",
    deaf: false,
    child: false,
    ranks: 2,
    launcher: "torchrun",
    createAfterMs: 0,
    ambushes: chance.happens(0.5) ? [rank, server] : [rank],
    stop: null,
  };
}

function planAmbush(chance: Chance, steps: number, ranks: number, hasStop: boolean): Ambush {
  const moments: readonly Moment[] = [
    { at: "created" },
    { at: "supervisor seen" },
    { at: "training seen" },
    { at: "process.json" },
    { at: "step", step: 1 },
    { at: "step", step: chance.between(1, steps) },
    { at: "step", step: chance.between(1, steps) },
    { at: "step", step: chance.between(1, steps) },
    { at: "step", step: steps },
    { at: "ending" },
    { at: "ending" },
    { at: "exit.json" },
    ...(hasStop ? [{ at: "stop.json" } as const, { at: "stop.json" } as const] : []),
  ];
  const victims: readonly (readonly Victim[])[] = [
    ["server"],
    ["server"],
    ["supervisor"],
    ["supervisor"],
    ["training"],
    ["server", "supervisor"],
    ["supervisor", "training"],
    ["training", "supervisor"],
    ["server", "training"],
    ["server", "supervisor", "training"],
    ...(ranks > 1
      ? [["rank"] as const, ["rank"] as const, ["rank"] as const, ["supervisor", "rank"] as const, ["server", "rank"] as const]
      : []),
  ];
  return { moment: chance.pick(moments), delayMs: chance.happens(0.5) ? 0 : chance.between(1, 40), victims: chance.pick(victims) };
}
