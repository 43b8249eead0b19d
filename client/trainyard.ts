/**
 * Trainyard's logging client for Node: `init`, then `log`. Writes the same files as the Python SDK, needs no server and no package, and
 * neither throws into nor waits for anything in the script that calls it.
 */
import { mkdirSync } from "node:fs";
import type { InitOptions, Run } from "./api.ts";
import { attemptDir, launchedPlace, makePlace, type Place } from "./place.ts";
import { openRun, type AttemptRun } from "./run.ts";

let current: AttemptRun | null = null;
let watching = false;

/**
 * Begins to report. In a process that Trainyard launched it attaches to that attempt, and everything but `params` is already decided; in
 * any other it makes a run folder of its own. A second call returns the same run. What goes wrong is said on stderr, and the run is silent.
 */
export function init(options: InitOptions = {}): Run {
  if (current?.active !== true) {
    current = openRun(() => placeFor(options));
    watchTheEnd();
  }
  if (options.params !== undefined) current.logParams(options.params);
  return current;
}

function placeFor(options: InitOptions): Place {
  const launched = launchedPlace(process.env);
  if (launched === null) return makePlace(options, Date.now());
  mkdirSync(attemptDir(launched), { recursive: true });
  return launched;
}

/** Looks on only: what the script does with its errors stays as it is. */
function watchTheEnd(): void {
  if (watching) return;
  watching = true;
  process.on("uncaughtExceptionMonitor", (error) => {
    current?.crashed(error);
  });
  process.on("exit", (code) => {
    current?.exiting(code);
  });
}
