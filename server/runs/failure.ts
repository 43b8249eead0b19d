/** Why a run failed, from its log, its end marker and its exit record. Pure; called for failed runs only. */
import type { ExitRecord, Failure, FailureClass } from "../../protocol/run.ts";
import { beginningOfEnd, wasSurvived } from "./failure-end.ts";
import { FAILURE_RULES, type FailureRule } from "./failure-rules.ts";
import { firstLine, type EndRecord } from "./outcome.ts";
import { firstSignalledRank, type RankFailure } from "./rank-failure.ts";

export interface FailureEvidence {
  /** The end of the log, as much as is looked at. */
  readonly log: string;
  readonly exit: ExitRecord | null;
  readonly end: EndRecord | null;
  /** Did the kernel's memory control end a process of this machine's group meanwhile? null when it does not say. */
  readonly oomKills: number | null;
  readonly machineMemoryBytes: number;
}

const SIGNALLED: Readonly<Record<string, FailureClass>> = {
  SIGSEGV: "segfault",
  SIGBUS: "segfault",
  SIGILL: "segfault",
  SIGFPE: "segfault",
  SIGABRT: "segfault",
};

/** The last line of a Python traceback: `package.Error: message`. */
const EXCEPTION_LINE = /^(?:\w+\.)*[A-Z]\w*(?:Error|Exception|Interrupt|Exit|Warning|Failure)\b(?::.*)?$/;
/** Exceptions that only tell of another one: the launcher's, about a rank or a child. */
const WRAPPER =
  /^(?:\w+\.)*(?:ChildFailedError|CalledProcessError|ProcessExitedException|ProcessRaisedException|SystemExit|RayTaskError|TrialError|InstantiationException)\b/;
/** Built from its code: a control character in a literal cannot be seen. */
const ESCAPE_SEQUENCE = new RegExp(`${String.fromCharCode(27)}\\[[0-9;?]*[A-Za-z]`, "g");
const MAX_EVIDENCE = 20;
const MAX_LINE = 500;
/** A line may be megabytes of one printed array; what it is shows at its beginning. */
const MAX_SEARCHED = 4000;

export function classifyFailure(known: FailureEvidence): Failure {
  const { exit, end } = known;
  if (exit?.launch_error != null)
    return make("launch_error", exit.launch_error, [exit.launch_error], "Check the program, its permissions and the working directory.");

  // A progress bar leaves its old states before the carriage return; only what the line ends as counts.
  const lines = known.log.split("\n").map((line) => clean(line.slice(line.lastIndexOf("\r", line.length - 2) + 1)));
  const error = end?.error ?? null;
  // What the SDK caught is the surest evidence; it may not be in the log at all.
  const texts =
    error === null ? lines : [...lines, ...error.traceback.split("\n").map(clean), `${error.type}: ${firstLine(error.message)}`];

  const start = beginningOfEnd(texts);
  const found = findRule(texts, start);
  const rule = found?.rule;
  const rank = firstSignalledRank(lines.slice(start));
  if (rank !== null && !saysWhy(rule, rank.signal)) return rankFailure(known, rank, rule);
  const signalClass = exit?.signal == null ? undefined : SIGNALLED[exit.signal];
  const killed = exit?.signal === "SIGKILL";

  if (killed && rule?.class !== "out_of_memory_gpu" && rule?.class !== "disk_full") return killedFailure(known, lines, rule);
  if (found !== null && (signalClass === undefined || found.rule.isRoot === true || found.rule.class === "nccl")) {
    const { rule: cause, line } = found;
    return make(cause.class, `${cause.message}: ${firstLine(texts[line] ?? "")}`, around(texts, line), cause.advice);
  }
  if (signalClass !== undefined) {
    const what = exit?.signal ?? "";
    return make(
      signalClass,
      `The process crashed (${what}), most likely inside a native library`,
      tail(lines),
      "Set PYTHONFAULTHANDLER=1 to see where; versions of CUDA, the driver and torch that do not fit are a usual cause.",
    );
  }
  if (exit?.code != null && exit.code > 128 && exit.code <= 192) {
    // A shell reports the signal that ended its child so.
    const signal = exit.code - 128;
    if (signal === 9) return killedFailure(known, lines, undefined);
    if ([4, 6, 7, 8, 11].includes(signal))
      return make("segfault", `A child process crashed (signal ${signal})`, tail(lines), "Set PYTHONFAULTHANDLER=1 to see where.");
  }
  const own = ownException(texts, start);
  const last = own >= 0 ? own : texts.findLastIndex((line, index) => index >= start && EXCEPTION_LINE.test(line));
  if (error !== null)
    return make("exception", `${error.type}: ${firstLine(error.message)}`, around(texts, last), "The traceback in the log says where.");
  if (last >= 0) return make("exception", firstLine(texts[last] ?? ""), around(texts, last), "The traceback in the log says where.");
  return make(
    "unknown",
    `The process ended with ${howItEnded(exit)} and said nothing that is known`,
    tail(lines),
    "Read the end of the log.",
  );
}

/** A traceback's line that a rule knows; else the last line of the end that one does. */
function findRule(texts: readonly string[], start: number): { rule: FailureRule; line: number } | null {
  const matches = FAILURE_RULES.flatMap((rule) => {
    const line = texts.findLastIndex(
      (text, index) => index >= start && rule.pattern.test(text) && !(wasSurvived(text) && !EXCEPTION_LINE.test(text)),
    );
    return line < 0 ? [] : [{ rule, line }];
  });
  const root = matches.find(({ rule }) => rule.isRoot === true);
  if (root !== undefined) return root;
  // Of a chain of exceptions the last one ended the process; the others were on the way to it.
  const last = texts.findLastIndex((text, index) => index >= start && EXCEPTION_LINE.test(text) && !WRAPPER.test(text));
  const found = matches.find(({ line, rule }) => line === last && rule.class !== "nccl") ?? matches[0] ?? null;
  // The ranks that are left complain of a lost connection; one that raised something else is why.
  return found?.rule.class === "nccl" && ownException(texts, start) >= 0 ? null : found;
}

/** Index of the last exception of the end that is neither a launcher's nor about a lost connection; -1 when there is none. */
function ownException(texts: readonly string[], start: number): number {
  const lost = FAILURE_RULES.find((rule) => rule.class === "nccl")?.pattern;
  return texts.findLastIndex(
    (text, index) => index >= start && EXCEPTION_LINE.test(text) && !WRAPPER.test(text) && lost?.test(text) !== true,
  );
}

/** SIGKILL has no sender that we could ask. Said as what it is: known, likely, or unknown. */
function killedFailure(known: FailureEvidence, lines: readonly string[], rule: FailureRule | undefined): Failure {
  const peak = known.exit?.peak_rss_bytes ?? null;
  const memoryAdvice =
    "Use fewer data loader workers, stream the dataset, load the model in a smaller type, or give the machine more memory.";
  if ((known.oomKills ?? 0) > 0)
    return make("out_of_memory_host", "Killed by the kernel: the memory limit was reached", tail(lines), memoryAdvice);
  if (rule?.class === "out_of_memory_host" || (peak !== null && peak > 0.8 * known.machineMemoryBytes)) {
    const measured = peak === null ? "" : ` (it used ${gibibytes(peak)} of ${gibibytes(known.machineMemoryBytes)})`;
    return make(
      "out_of_memory_host",
      `Killed by SIGKILL, most likely because the machine ran out of memory${measured}`,
      tail(lines),
      memoryAdvice,
    );
  }
  return make(
    "killed",
    "Killed by SIGKILL; by whom is not recorded",
    tail(lines),
    "Somebody's kill -9, a container's limit or the kernel's out-of-memory killer; `dmesg` or the container's events may tell.",
  );
}

/** A signal ended the rank that failed first; whatever the others said is its consequence. */
/** Does what was printed say more than the signal? A process that aborts has said why; one that was killed could not. */
function saysWhy(rule: FailureRule | undefined, signal: string): boolean {
  if (rule === undefined) return false;
  if (rule.class === "out_of_memory_gpu" || rule.class === "disk_full") return true;
  return signal === "SIGABRT" && (rule.isRoot === true || rule.class === "nccl");
}

function rankFailure(known: FailureEvidence, { rank, signal, evidence }: RankFailure, rule: FailureRule | undefined): Failure {
  const crash = SIGNALLED[signal];
  if (crash !== undefined)
    return make(
      crash,
      `Rank ${rank} crashed (${signal}), most likely inside a native library`,
      evidence,
      "Set PYTHONFAULTHANDLER=1 to see where; versions of CUDA, the driver and torch that do not fit are a usual cause.",
    );
  if (signal !== "SIGKILL")
    return make(
      "killed",
      `Rank ${rank} was ended by ${signal}; by whom is not recorded`,
      evidence,
      "The other ranks cannot go on without it.",
    );
  const failure = killedFailure(known, evidence, rule);
  return { ...failure, message: `Rank ${rank}: ${failure.message}` };
}

function make(kind: FailureClass, message: string, evidence: readonly string[], advice: string): Failure {
  return { class: kind, message: message.replace(/[.:\s]+$/, ""), evidence: evidence.slice(-MAX_EVIDENCE).map(cut), advice };
}

/** The line and what led to it: the frames of a traceback stand before its last line. */
function around(lines: readonly string[], index: number): string[] {
  if (index < 0) return tail(lines);
  let start = index;
  while (start > 0 && index - start < 12 && lines[start]?.startsWith("Traceback (most recent call last)") !== true) start--;
  return lines.slice(start, index + 3).filter((line) => line.trim() !== "");
}

function tail(lines: readonly string[]): string[] {
  return lines.filter((line) => line.trim() !== "").slice(-8);
}

function cut(line: string): string {
  return line.length > MAX_LINE ? `${line.slice(0, MAX_LINE - 1)}…` : line;
}

/** Without colours and without the prefix that torchrun puts before each line (`[rank0]: `). */
function clean(line: string): string {
  return line
    .slice(0, MAX_SEARCHED)
    .replace(ESCAPE_SEQUENCE, "")
    .replace(/^\[rank\d+\]:\s?/, "")
    .replace(/\r$/, "");
}

function howItEnded(exit: ExitRecord | null): string {
  if (exit === null) return "an unknown exit";
  return exit.signal ?? `exit code ${String(exit.code)}`;
}

function gibibytes(bytes: number): string {
  return `${(bytes / 2 ** 30).toFixed(1)} GiB`;
}
