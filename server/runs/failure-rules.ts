/**
 * What programs print when they fail, by class. Wordings of several versions of torch, transformers, Lightning and their like. Frames are
 * spelled by their codes: one character beyond Latin-1 makes V8 hold the source of the whole bundle in two bytes a character.
 */
import type { FailureClass } from "../../protocol/run.ts";

export interface FailureRule {
  readonly class: FailureClass;
  readonly pattern: RegExp;
  readonly message: string;
  readonly advice: string;
  /** The machine gave out: whatever else was said near it followed from that. */
  readonly isRoot?: true;
}

/**
 * Each pattern is tried on a line whose exception's name was left on (`torch.OutOfMemoryError: CUDA out of memory. …`). `^` and SAID hold a
 * message to its beginning, so that one which only quotes such words (a file name, a label, a search text) is not taken for it.
 */
const SAID = String.raw`^(?:what\(\):\s+|E\s+|(?:\w+\.)*\w*(?:Error|Exception|Failure)(?:\(\w+\))?: )*`;

function said(...messages: readonly string[]): string {
  return `${SAID}(?:${messages.join("|")})`;
}

/** Names of exceptions at the start of their line, with or without their modules. */
function raised(...names: readonly string[]): string {
  return String.raw`^(?:E\s+)?(?:\w+\.)*(?:${names.join("|")})\b(?=:|\(|$)`;
}

function any(...patterns: readonly string[]): RegExp {
  return new RegExp(patterns.map((pattern) => `(?:${pattern})`).join("|"), "i");
}

/** In this order among several that are found: causes stand before the errors that they drag behind them. */
export const FAILURE_RULES: readonly FailureRule[] = [
  {
    class: "out_of_memory_gpu",
    isRoot: true,
    pattern: any(
      raised("OutOfMemoryError"),
      raised(String.raw`RayTaskError\(OutOfMemoryError\)`),
      said(
        String.raw`(?:CUDA|HIP|XPU|MPS backend|NPU) out of memory`,
        String.raw`(?:CUDA|HIP)(?: driver| runtime)? (?:error|failure)[ :\d']*(?:\(\d+\): )?(?:cuda|hip)?(?:ErrorMemoryAllocation|ErrorOutOfMemory|out of memory)`,
        String.raw`(?:CUDA error: )?CUBLAS_STATUS_ALLOC_FAILED`,
        String.raw`(?:cuDNN error: )?CUDNN_STATUS_ALLOC_FAILED`,
        String.raw`Caught OutOfMemoryError in (?:replica|DataLoader|pin memory)`,
        String.raw`RESOURCE_EXHAUSTED: (?:Out of memory|OOM)`,
        String.raw`(?:\{\{\S+\}\} )?OOM when allocating tensor`,
      ),
      String.raw`\bcudaErrorMemoryAllocation\b`,
    ),
    message: "The GPU ran out of memory",
    advice: "Halve the batch size and double gradient accumulation, shorten the sequences, or turn on gradient checkpointing.",
  },
  {
    class: "disk_full",
    isRoot: true,
    pattern: any(
      String.raw`\[Errno (?:28|122)\]`,
      String.raw`No space left on device(?:\W|$)`,
      String.raw`Disk quota exceeded(?:\W|$)`,
      said(
        String.raw`(?:\[enforce fail at inline_container\.cc:\d+\][ .]*)?.{0,40}PytorchStreamWriter failed writing file`,
        String.raw`\[enforce fail at inline_container`,
      ),
    ),
    message: "The disk is full",
    advice: "Make room or choose another folder for the checkpoints; keep fewer of them (save_total_limit, trainyard retention).",
  },
  {
    class: "out_of_memory_host",
    isRoot: true,
    pattern: any(
      raised("MemoryError", "_ArrayMemoryError", "ArrowMemoryError"),
      String.raw`\[Errno 12\]`,
      String.raw`\bDefaultCPUAllocator: (?:can't allocate|not enough) memory`,
      said(
        String.raw`(?:std::)?bad_alloc`,
        String.raw`Unable to allocate [\d.]+ [KMGT]iB`,
        String.raw`DataLoader worker \(pid(?:\(s\))? [\d, ]+\) is killed by signal: Killed`,
        String.raw`DataLoader worker \(pid(?:\(s\))? [\d, ]+\) is killed by signal: Bus error`,
        String.raw`unable to (?:mmap|allocate|open) .{0,80}: Cannot allocate memory`,
      ),
      String.raw`^terminate called after throwing an instance of 'std::bad_alloc'`,
      String.raw`^memory allocation of \d+ bytes failed`,
      String.raw`: (?:fork|cannot fork|error while loading shared libraries): .*Cannot allocate memory$`,
      String.raw`^slurmstepd: error: .*\boom[-_ ]?kill`,
      String.raw`\bjava\.lang\.OutOfMemoryError\b`,
      String.raw`Out of memory: Killed process \d+`,
    ),
    message: "The machine ran out of memory",
    advice: "Use fewer data loader workers (in a container: more shared memory), stream the dataset, or load the model in a smaller type.",
  },
  {
    class: "nccl",
    pattern: any(
      raised("DistBackendError", "DistStoreError", "DistNetworkError"),
      String.raw`\bnccl(?:SystemError|UnhandledCudaError|InternalError|RemoteError|InvalidUsage|InvalidArgument)\b`,
      String.raw`\bWatchdog caught collective operation timeout`,
      String.raw`\bSome NCCL operations have failed or timed out`,
      String.raw`ProcessGroupNCCL.*(?:timed out|timeout|terminat|aborted)`,
      String.raw`NCCL (?:error|failure)\b(?: in)?:`,
      String.raw`NCCL WARN .*(?:fail|timeout|unhandled)`,
      said(
        String.raw`\[\S*gloo/transport/tcp/pair\.cc:\d+\]`,
        String.raw`Gloo connectFullMesh failed`,
        String.raw`\[\d+\] is setting up NCCL communicator and retrieving ncclUniqueId`,
      ),
    ),
    message: "The ranks could not talk to each other (NCCL)",
    advice: "Look for the rank that failed first; NCCL_DEBUG=INFO tells more. A rank that ran out of memory looks like this to the others.",
  },
  {
    class: "nan_loss",
    pattern: any(
      said(
        String.raw`(?:\w+ ){0,4}(?:loss|gradients?|grad[_ ]norm|logits?|inputs?|weights?|parameters?)\b.{0,80}?\b(?:is|are|was|became|contains?|with)\b.{0,20}\b(?:nan|inf|infinite|non-?finite)\b`,
        String.raw`(?:encountered |got |detected |found )?(?:nan|non-?finite)(?: (?:and/or|or) inf)?(?: values?)?(?: in)? [\x60'"]?(?:the )?(?:train\w* )?(?:loss|gradients?|grad_norm|parameters?|weights?|layer)`,
        String.raw`Detected (?:nan|inf) (?:and/or|or) (?:nan|inf) values`,
        String.raw`Function '\w+' returned nan values`,
        String.raw`probability tensor contains either \x60?inf\x60?, \x60?nan`,
        String.raw`Expected parameter \w+ .{0,200}but found invalid values`,
        String.raw`The total norm .{0,80}is non-finite`,
        String.raw`Minimum loss scale reached`,
        String.raw`Current loss scale already at minimum`,
        String.raw`invalid (?:\w+ )?loss(?: value)?:? [-+]?(?:nan|inf)\b`,
      ),
    ),
    message: "The loss is not a number any more",
    advice: "Lower the learning rate, use warmup and gradient clipping, prefer bf16 to fp16, and look at the batch before it.",
  },
  {
    class: "segfault",
    pattern: any(
      String.raw`^Fatal Python error: (?:Segmentation fault|Aborted|Bus error|Illegal instruction)`,
      String.raw`(?:^|: )(?:line \d+:\s+\d+ )?Segmentation fault(?: \(core dumped\))?`,
      String.raw`^\s*(?:traceback|error_msg)?\s*:?\s*Signal (?:4|6|7|8|11) \(SIG\w+\) received by PID`,
      said(String.raw`DataLoader worker \(pid(?:\(s\))? [\d, ]+\) is killed by signal: (?:Segmentation fault|Aborted)`),
    ),
    message: "A process crashed, most likely inside a native library",
    advice: "Set PYTHONFAULTHANDLER=1 to see where; versions of CUDA, the driver and torch that do not fit are a usual cause.",
  },
  {
    class: "import_error",
    pattern: any(
      raised("ModuleNotFoundError", "ImportError"),
      String.raw`^\S*python[\d.]*(?:\.exe)?: (?:No module named|Error while finding module specification)`,
      String.raw`: cannot open shared object file`,
      said(String.raw`\S+: undefined symbol: \S+$`, String.raw`Failed to import \S+ because of the following error`),
    ),
    message: "A module could not be imported",
    advice: "Install it into the interpreter of this run, or choose the interpreter that has it.",
  },
  {
    class: "missing_file",
    pattern: any(
      raised(
        "FileNotFoundError",
        "NotADirectoryError",
        "IsADirectoryError",
        "RepositoryNotFoundError",
        "EntryNotFoundError",
        "LocalEntryNotFoundError",
        "RevisionNotFoundError",
        "DatasetNotFoundError",
        "DataFilesNotFoundError",
        "EmptyDatasetError",
      ),
      String.raw`can't open file '.*': \[Errno 2\]`,
      String.raw`^(?!.*(?:Error|Exception): )\S.*: No such file or directory$`,
      String.raw`^\S+(?:: line \d+)?(?:: \d+)?: .{1,200}: (?:command )?not found$`,
      said(
        String.raw`\S+ does not appear to have (?:a|files?) (?:file )?named`,
        String.raw`Incorrect path_or_model_id`,
        String.raw`Can't load (?:the )?(?:tokenizer|configuration|config|model|feature extractor|image processor) (?:for|of) `,
        String.raw`(?:We couldn't connect to|.{0,80}is not a local folder and is not a valid model identifier)`,
        String.raw`Couldn't find (?:a dataset script|any data file)`,
      ),
    ),
    message: "A file or folder was not found",
    advice: "Check the path; relative ones start in the run's working directory.",
  },
  {
    class: "bad_argument",
    pattern: any(
      raised(
        "ValidationError",
        "ArgumentError",
        "OverrideParseException",
        "ConfigCompositionException",
        "ConfigAttributeError",
        "ConfigKeyError",
        "UnrecognizedFlagError",
        "IllegalFlagValueError",
      ),
      String.raw`^[\w./\\-]+(?: [\w-]+)*: error: \S`,
      String.raw`^(?:Error: |\u256d\u2500 Error|\u2502 )(?:No such (?:option|command)|Invalid value|Missing (?:option|argument|parameter)|Got unexpected extra argument)`,
      String.raw`^error: (?:unrecognized|Validation failed|Parser key|Unexpected key|Key "|Option )`,
      String.raw`^(?:Could not override |Key '.*' is not in struct|ERROR: Could not consume arg)`,
      String.raw`^(?:FATAL )?Flags parsing error`,
      said(
        String.raw`(?:\S+ )?got (?:an unexpected keyword argument|multiple values for (?:keyword )?argument)`,
        String.raw`Some specified arguments are not used by the \w*Parser`,
        String.raw`\S+ is not a valid \w+, please select one of`,
      ),
    ),
    message: "An argument was refused",
    advice: "Compare the arguments with what the script or the installed version of the library takes.",
  },
];
