/** What the `trainyard` command's exit code says. Documented in `trainyard --help`; scripts rely on it. */
import type { ErrorCode } from "../protocol/errors.ts";
import type { RunState } from "../protocol/states.ts";

export const EXIT = {
  ok: 0,
  /** The run that was followed ended failed, cancelled or interrupted. */
  runNotCompleted: 1,
  /** The arguments, the spec, the interpreter or the data are not usable. */
  invalid: 2,
  notFound: 3,
  /** The state of the run or the store does not allow it now. */
  conflict: 4,
  /** The run server or the store's disk is not usable. */
  unavailable: 5,
  internal: 70,
  /** Ctrl+C while following: the run goes on. */
  detached: 130,
} as const;

const BY_ERROR: Readonly<Record<ErrorCode, number>> = {
  bad_request: EXIT.invalid,
  unauthorized: EXIT.unavailable,
  forbidden: EXIT.invalid,
  not_found: EXIT.notFound,
  conflict: EXIT.conflict,
  invalid_spec: EXIT.invalid,
  unknown_recipe: EXIT.invalid,
  python_unusable: EXIT.invalid,
  missing_file: EXIT.invalid,
  bad_dataset: EXIT.invalid,
  bad_checkpoint: EXIT.invalid,
  store_occupied: EXIT.conflict,
  other_store: EXIT.conflict,
  store_unwritable: EXIT.unavailable,
  disk_full: EXIT.unavailable,
  corrupt_record: EXIT.invalid,
  too_large: EXIT.invalid,
  timeout: EXIT.unavailable,
  unavailable: EXIT.unavailable,
  internal: EXIT.internal,
};

export function exitCodeOfError(code: ErrorCode): number {
  return BY_ERROR[code];
}

/** Exit code after following a run to its end. */
export function exitCodeOfRun(state: RunState): number {
  return state === "completed" ? EXIT.ok : EXIT.runNotCompleted;
}

export const EXIT_CODE_HELP = `
Exit codes:
  0    done; with run and resume: the run completed (or was started with --detach)
  1    the run ended failed, cancelled or interrupted
  2    bad arguments, or a spec, interpreter, dataset or checkpoint that cannot be used
  3    no such run or file
  4    the state of the run or of the store does not allow it now; with check-name: the name is taken
  5    the run server or the store cannot be reached or written
  70   a fault inside Trainyard
  130  Ctrl+C while following a run; the run goes on
`;
