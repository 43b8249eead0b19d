/** Why a run failed, from its log, its end marker and its exit record. Pure; called for failed runs only. */
import type { ExitRecord, Failure, FailureClass } from "../../protocol/run.ts";
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

interface Rule {
  readonly class: FailureClass;
  readonly pattern: RegExp;
  readonly message: string;
  readonly advice: string;
}

/** Order matters: the first rule that finds a line wins; causes stand before the errors that they drag behind them. */
const RULES: readonly Rule[] = [
  {
    class: "out_of_memory_gpu",
    pattern: /(CUDA|HIP|XPU|MPS backend) out of memory|OutOfMemoryError|CUBLAS_STATUS_ALLOC_FAILED|CUDA error: out of memory/,
    message: "The GPU ran out of memory",
    advice: "Halve the batch size and double gradient accumulation, shorten the sequences, or turn on gradient checkpointing.",
  },
  {
    class: "disk_full",
    pattern:
      /No space left on device|\[Errno 28\]|Disk quota exceeded|\[Errno 122\]|PytorchStreamWriter failed writing file|enforce fail at inline_container/,
    message: "The disk is full",
    advice: "Make room or choose another folder for the checkpoints; keep fewer of them (save_total_limit).",
  },
  {
    class: "out_of_memory_host",
    pattern:
      /DefaultCPUAllocator: (can't|not enough) .*memory|std::bad_alloc|Cannot allocate memory|\[Errno 12\]|^(\w+\.)*MemoryError\b|[Oo]ut of memory: Killed process/,
    message: "The machine ran out of memory",
    advice: "Use fewer data loader workers, stream the dataset, or load the model in a smaller type.",
  },
  {
    class: "nccl",
    pattern:
      /NCCL (error|WARN .*(failed|timeout))|ncclSystemError|ncclUnhandledCudaError|ncclInternalError|ncclRemoteError|Watchdog caught collective operation timeout|ProcessGroupNCCL.*(timed out|[Tt]imeout)/,
    message: "The GPUs could not talk to each other (NCCL)",
    advice: "Look for the rank that failed first; NCCL_DEBUG=INFO tells more. A rank that ran out of memory looks like this to the others.",
  },
  {
    class: "nan_loss",
    pattern:
      /(loss|gradient|grad_norm|logits?|input)s? .{0,60}\b(is|are|was|became|contains?|with)\b.{0,20}\b(nan|inf|non-?finite)\b|(nan|non-?finite) (loss|gradients?)|probability tensor contains either `?inf`?, `?nan/i,
    message: "The loss is not a number any more",
    advice: "Lower the learning rate, use warmup and gradient clipping, prefer bf16 to fp16, and look at the batch before it.",
  },
  {
    class: "import_error",
    pattern: /^(\w+\.)*(ModuleNotFoundError|ImportError)\b/,
    message: "A module could not be imported",
    advice: "Install it into the interpreter of this run, or choose the interpreter that has it.",
  },
  {
    class: "missing_file",
    pattern:
      /^(\w+\.)*(FileNotFoundError|NotADirectoryError|IsADirectoryError)\b|can't open file '.*': \[Errno 2\]|: No such file or directory$|(RepositoryNotFound|EntryNotFound|LocalEntryNotFound|DatasetNotFound)Error/,
    message: "A file or folder was not found",
    advice: "Check the path; relative ones start in the run's working directory.",
  },
  {
    class: "bad_argument",
    pattern:
      /: error: (unrecognized arguments|the following arguments are required|argument )|^(\w+\.)*(ValidationError|ArgumentError)\b|got an unexpected keyword argument|^Error: No such option/,
    message: "An argument was refused",
    advice: "Compare the arguments with what the script or the installed version of the library takes.",
  },
];

const SIGNALLED: Readonly<Record<string, Rule["class"]>> = {
  SIGSEGV: "segfault",
  SIGBUS: "segfault",
  SIGILL: "segfault",
  SIGFPE: "segfault",
  SIGABRT: "segfault",
};

/** The last line of a Python traceback: `package.Error: message`. */
const EXCEPTION_LINE = /^(?:\w+\.)*[A-Z]\w*(?:Error|Exception|Interrupt|Exit|Warning|Failure)\b(?::.*)?$/;
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

  const rule = RULES.find((candidate) => texts.some((line) => candidate.pattern.test(line)));
  const rank = firstSignalledRank(lines);
  if (rank !== null && rule?.class !== "out_of_memory_gpu" && rule?.class !== "disk_full") return rankFailure(known, rank, rule);
  const signalClass = exit?.signal == null ? undefined : SIGNALLED[exit.signal];
  const killed = exit?.signal === "SIGKILL";

  if (killed && rule?.class !== "out_of_memory_gpu" && rule?.class !== "disk_full") return killedFailure(known, lines, rule);
  if (rule !== undefined) {
    const found = texts.findLastIndex((line) => rule.pattern.test(line));
    return make(rule.class, `${rule.message}: ${firstLine(texts[found] ?? "")}`, around(texts, found), rule.advice);
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
  const last = texts.findLastIndex((line) => EXCEPTION_LINE.test(line));
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

/** SIGKILL has no sender that we could ask. Said as what it is: known, likely, or unknown. */
function killedFailure(known: FailureEvidence, lines: readonly string[], rule: Rule | undefined): Failure {
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
function rankFailure(known: FailureEvidence, { rank, signal, evidence }: RankFailure, rule: Rule | undefined): Failure {
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
