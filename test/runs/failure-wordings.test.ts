/** What torch, transformers, Lightning and others print when they fail, in the wordings of several versions; and what must not be taken for it. */
import { describe, expect, test } from "vitest";
import type { ExitRecord, FailureClass } from "../../protocol/run.ts";
import { classifyFailure } from "../../server/runs/failure.ts";
import { exitRecord } from "../store/fixtures.ts";

function classOf(log: string, over: Partial<ExitRecord> = {}): string {
  const exit = exitRecord({ code: 1, ...over });
  return classifyFailure({ log, exit, end: null, oomKills: null, machineMemoryBytes: 2 ** 34 }).class;
}

const traceback = (last: string): string =>
  ["Traceback (most recent call last):", '  File "/w/train.py", line 9, in <module>', "    trainer.train()", last, ""].join("\n");
const training = (lines: number): string =>
  Array.from(
    { length: lines },
    (_, step) => `{'loss': ${(2 / (step + 1)).toFixed(4)}, 'learning_rate': 3e-05, 'epoch': ${step / 100}}`,
  ).join("\n") + "\n";

describe("messages", () => {
  test.each<[FailureClass, string]>([
    ["out_of_memory_gpu", "torch.cuda.OutOfMemoryError: CUDA out of memory. Tried to allocate 20.00 MiB (GPU 0; 15.78 GiB total capacity)"],
    [
      "out_of_memory_gpu",
      "torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2.00 GiB. GPU 0 has a total capacity of 79.10 GiB",
    ],
    ["out_of_memory_gpu", "RuntimeError: CUDA out of memory. Tried to allocate 734.00 MiB (GPU 0; 10.92 GiB total capacity)"],
    ["out_of_memory_gpu", "RuntimeError: CUDA error: out of memory"],
    ["out_of_memory_gpu", "torch.AcceleratorError: CUDA error: out of memory"],
    ["out_of_memory_gpu", "RuntimeError: CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`"],
    ["out_of_memory_gpu", "RuntimeError: cuDNN error: CUDNN_STATUS_ALLOC_FAILED"],
    ["out_of_memory_gpu", "RuntimeError: Caught OutOfMemoryError in replica 0 on device 0."],
    ["out_of_memory_gpu", "torch.OutOfMemoryError: HIP out of memory. Tried to allocate 4.00 GiB. GPU 0 has a total capacity of 63.98 GiB"],
    ["out_of_memory_gpu", "RuntimeError: MPS backend out of memory (MPS allocated: 17.91 GB, other allocations: 202.06 MB)"],
    [
      "out_of_memory_gpu",
      "jaxlib.xla_extension.XlaRuntimeError: RESOURCE_EXHAUSTED: Out of memory while trying to allocate 1073741824 bytes.",
    ],
    [
      "out_of_memory_host",
      "RuntimeError: [enforce fail at alloc_cpu.cpp:117] err == 0. DefaultCPUAllocator: can't allocate memory: you tried to allocate 4 bytes.",
    ],
    [
      "out_of_memory_host",
      "RuntimeError: [enforce fail at ..\\c10\\core\\impl\\alloc_cpu.cpp:72] data. DefaultCPUAllocator: not enough memory: you tried",
    ],
    [
      "out_of_memory_host",
      "numpy.core._exceptions._ArrayMemoryError: Unable to allocate 8.00 GiB for an array with shape (1073741824,) and data type float64",
    ],
    ["out_of_memory_host", "numpy.core._exceptions.MemoryError: Unable to allocate 3.5 GiB for an array"],
    ["out_of_memory_host", "RuntimeError: DataLoader worker (pid 4711) is killed by signal: Killed. "],
    [
      "out_of_memory_host",
      "RuntimeError: DataLoader worker (pid 4711) is killed by signal: Bus error. It is possible that dataloader's workers are out of shared memory.",
    ],
    ["out_of_memory_host", "pyarrow.lib.ArrowMemoryError: malloc of size 4294967296 failed"],
    ["out_of_memory_host", "OSError: [Errno 12] Cannot allocate memory"],
    ["disk_full", "OSError: [Errno 28] No space left on device: '/ckpt/model.safetensors'"],
    ["disk_full", "OSError: [Errno 122] Disk quota exceeded"],
    ["disk_full", "RuntimeError: [enforce fail at inline_container.cc:603] . unexpected pos 576 vs 470"],
    ["disk_full", "RuntimeError: PytorchStreamWriter failed writing file data/12: file write failed"],
    [
      "disk_full",
      'safetensors_rust.SafetensorError: Error while serializing: IoError(Os { code: 28, kind: StorageFull, message: "No space left on device" })',
    ],
    [
      "nccl",
      "torch.distributed.DistBackendError: NCCL error in: ../torch/csrc/distributed/c10d/ProcessGroupNCCL.cpp:1333, unhandled system error",
    ],
    ["nccl", "RuntimeError: NCCL error in: ../torch/lib/c10d/ProcessGroupNCCL.cpp:911, invalid usage, NCCL version 2.7.8"],
    ["nccl", "torch.distributed.DistStoreError: Timed out after 601 seconds waiting for clients. 1/2 clients joined."],
    [
      "nccl",
      "RuntimeError: [1] is setting up NCCL communicator and retrieving ncclUniqueId from [0] via c10d key-value store by store->get('0')",
    ],
    ["nccl", "RuntimeError: [../third_party/gloo/gloo/transport/tcp/pair.cc:534] Connection closed by peer [127.0.0.1]:4711"],
    ["nan_loss", "ValueError: The loss returned in `training_step` is nan or inf."],
    ["nan_loss", "ValueError: The loss returned in `training_step` is inf."],
    [
      "nan_loss",
      "ValueError: Detected nan and/or inf values in `layer.weight`. Check your forward pass for numerically unstable operations.",
    ],
    ["nan_loss", "FloatingPointError: Loss became infinite or NaN at iteration=3!"],
    ["nan_loss", "RuntimeError: Function 'MulBackward0' returned nan values in its 0th output."],
    ["nan_loss", "RuntimeError: The total norm of order 2.0 for gradients from `parameters` is non-finite, so it cannot be clipped."],
    [
      "nan_loss",
      "ValueError: Expected parameter logits (Tensor of shape (8, 4)) of distribution Categorical(logits: torch.Size([8, 4])) to satisfy the constraint IndependentConstraint(Real(), 1), but found invalid values:",
    ],
    ["nan_loss", "Exception: Current loss scale already at minimum - cannot decrease scale anymore. Exiting run."],
    ["nan_loss", "FloatingPointError: Minimum loss scale reached (0.0001). Your loss is probably exploding."],
    ["nan_loss", "AssertionError: NaN loss at step 12"],
    ["import_error", "ImportError: cannot import name 'AdamW' from 'transformers' (/lib/transformers/__init__.py)"],
    ["import_error", "ImportError: libcudart.so.12: cannot open shared object file: No such file or directory"],
    ["import_error", "OSError: libnvrtc.so.11.2: cannot open shared object file: No such file or directory"],
    [
      "import_error",
      "RuntimeError: Failed to import transformers.models.llama because of the following error (look up to see its traceback):",
    ],
    [
      "missing_file",
      "OSError: /models/llama does not appear to have a file named config.json. Checkout 'https://huggingface.co/models/llama' for available files.",
    ],
    [
      "missing_file",
      "OSError: Can't load tokenizer for 'nobody/nothing'. If you were trying to load it from 'https://huggingface.co/models'",
    ],
    [
      "missing_file",
      "OSError: nobody/nothing is not a local folder and is not a valid model identifier listed on 'https://huggingface.co/models'",
    ],
    ["missing_file", "huggingface_hub.errors.RepositoryNotFoundError: 404 Client Error. (Request ID: Root=1-65)"],
    ["missing_file", "datasets.exceptions.DatasetNotFoundError: Dataset 'nobody/nothing' doesn't exist on the Hub or cannot be accessed."],
    ["missing_file", "FileNotFoundError: Couldn't find any data file at /data/missing."],
    ["bad_argument", "ValueError: Some specified arguments are not used by the HfArgumentParser: ['--learning-rat', '1']"],
    ["bad_argument", "TypeError: TrainingArguments.__init__() got an unexpected keyword argument 'evaluation_strategy'"],
    ["bad_argument", "pydantic_core._pydantic_core.ValidationError: 1 validation error for Config"],
    ["bad_argument", "omegaconf.errors.ConfigAttributeError: Key 'lr' is not in struct"],
    ["bad_argument", "ValueError: never is not a valid IntervalStrategy, please select one of ['no', 'steps', 'epoch']"],
    ["exception", "ValueError: too many dimensions 'str'"],
  ])("%s: %s", (kind, message) => {
    expect(classOf(training(50) + traceback(message))).toBe(kind);
    expect(classOf(training(50) + traceback(message).replaceAll(/^/gm, "[rank0]: "))).toBe(kind);
  });

  test.each<[FailureClass, string, Partial<ExitRecord>?]>([
    ["bad_argument", "usage: train.py [-h] [--lr LR]\ntrain.py: error: ambiguous option: --l could match --lr, --log\n", { code: 2 }],
    ["bad_argument", "usage: main.py [-h] {fit,test} ...\nmain.py fit: error: the following arguments are required: --data\n", { code: 2 }],
    [
      "bad_argument",
      "Usage: train.py [OPTIONS]\nTry 'train.py --help' for help.\n\nError: Invalid value for '--lr': 'x' is not a valid float.\n",
      { code: 2 },
    ],
    [
      "bad_argument",
      "Could not override 'trainer.max_epoch'.\nTo append to your config use +trainer.max_epoch=1\nKey 'max_epoch' is not in struct\n",
    ],
    ["import_error", "/usr/bin/python3: No module named trainer\n"],
    ["missing_file", "bash: line 1: ./train.sh: No such file or directory\n", { code: 127 }],
    ["missing_file", "sh: 1: torchrun: not found\n", { code: 127 }],
    ["nan_loss", "Loss is nan, stopping training\n"],
    ["out_of_memory_host", "memory allocation of 8589934592 bytes failed\n", { code: null, signal: "SIGABRT" }],
    ["out_of_memory_host", "slurmstepd: error: Detected 1 oom_kill event in StepId=12.0. Some of the step tasks have been OOM Killed.\n"],
    [
      "segfault",
      'Fatal Python error: Segmentation fault\n\nCurrent thread 0x00007f (most recent call first):\n  File "x.py", line 3 in <module>\n',
      { code: null, signal: "SIGSEGV" },
    ],
    ["segfault", "bash: line 1: 4711 Segmentation fault      (core dumped) python train.py\n", { code: 139 }],
  ])("%s: %s", (kind, end, exit) => {
    expect(classOf(training(50) + end, exit)).toBe(kind);
  });
});

describe("of several ranks, the cause counts", () => {
  const launcher = [
    "W0101 12:00:00.000000 4711 torch/distributed/elastic/multiprocessing/api.py:900] Sending process 4712 closing signal SIGTERM",
    "E0101 12:00:00.000000 4711 torch/distributed/elastic/multiprocessing/api.py:874] failed (exitcode: 1) local_rank: 0 (pid: 4712) of binary: python",
    traceback("torch.distributed.elastic.multiprocessing.errors.ChildFailedError: ").trimEnd(),
    "============================================================",
    "train.py FAILED",
    "------------------------------------------------------------",
    "Failures:",
    "  <NO_OTHER_FAILURES>",
    "Root Cause (first observed failure):",
    "[0]:",
    "  time      : 2026-01-01_12:00:00",
    "  rank      : 0 (local_rank: 0)",
    "  exitcode  : 1 (pid: 4712)",
    "  error_file: <N/A>",
    "  traceback : To enable traceback see: https://pytorch.org/docs/stable/elastic/errors.html",
    "============================================================",
    "",
  ].join("\n");
  const ranked = (rank: number, text: string): string => text.replaceAll(/^(?=.)/gm, `[rank${rank}]: `);

  test("one out of memory, the other without its partner", () => {
    const oom = ranked(0, traceback("torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2.00 GiB."));
    const lost = ranked(
      1,
      traceback("torch.distributed.DistBackendError: NCCL error in: ProcessGroupNCCL.cpp:2022, remote process exited"),
    );
    expect(classOf(training(50) + oom + lost + launcher)).toBe("out_of_memory_gpu");
    expect(classOf(training(50) + lost + oom + launcher)).toBe("out_of_memory_gpu");
  });

  test("a watchdog's abort with all its frames", () => {
    const frames = Array.from(
      { length: 60 },
      (_, n) => `frame #${n}: c10d::ProcessGroupNCCL::watchdogHandler() + 0x${n} (0x7f in libtorch_cuda.so)`,
    );
    const log = [
      "[rank1]:[E101 12:00:00.1 ProcessGroupNCCL.cpp:616] [Rank 1] Watchdog caught collective operation timeout: WorkNCCL(SeqNum=9) ran for 600009 milliseconds",
      ...frames,
      "terminate called after throwing an instance of 'c10::DistBackendError'",
      "  what():  [PG 0 Rank 1] Process group watchdog thread terminated with exception",
      ...frames,
      "",
    ].join("\n");
    expect(classOf(training(50) + log + launcher)).toBe("nccl");
    expect(classOf(training(50) + log, { code: null, signal: "SIGABRT" })).toBe("nccl");
  });

  test("a missing module behind the launcher's own exception", () => {
    expect(classOf(ranked(0, traceback("ModuleNotFoundError: No module named 'peft'")) + launcher)).toBe("import_error");
  });
});

describe("not fooled", () => {
  const oom = traceback("torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2.00 GiB.");

  test.each<[string, string, FailureClass]>([
    ["by memory that ran out, and training that went on", oom + training(200) + traceback("KeyError: 'text'"), "exception"],
    [
      "by a NaN that was survived",
      `loss is nan at step 3, skipping\n${training(100)}${traceback("ModuleNotFoundError: No module named 'wandb'")}`,
      "import_error",
    ],
    [
      "by a warning right before the end",
      `WARNING: CUDA out of memory, retrying with batch size 4\n${traceback("ValueError: bad label")}`,
      "exception",
    ],
    ["by a label in a message", traceback("ValueError: unknown category 'CUDA out of memory'"), "exception"],
    ["by a quoted class", traceback("KeyError: 'FileNotFoundError: nothing'"), "exception"],
    [
      "by a data row",
      `row 7: ModuleNotFoundError: No module named 'x'\n${traceback("ValueError: expected 3 columns, got 2")}`,
      "exception",
    ],
    [
      "by the end of an evaluation",
      `exact match on "Segmentation fault (core dumped)" samples: 0.7\n${traceback("ValueError: no samples left")}`,
      "exception",
    ],
    [
      "by an optional import that fell back",
      `${traceback("ImportError: flash_attn is not installed")}\nDuring handling of the above exception, another exception occurred:\n\n${traceback("FileNotFoundError: [Errno 2] No such file or directory: 'train.csv'")}`,
      "missing_file",
    ],
    [
      "by what dragged behind a full disk",
      `${traceback("OSError: [Errno 28] No space left on device")}\nDuring handling of the above exception, another exception occurred:\n\n${traceback("FileNotFoundError: [Errno 2] No such file or directory: 'checkpoint-9/optimizer.pt'")}`,
      "disk_full",
    ],
    [
      "by documentation that is printed",
      `The flag --offload avoids "CUDA out of memory" and NCCL timeouts.\n${traceback("ZeroDivisionError: division by zero")}`,
      "exception",
    ],
    [
      "by a search for a file",
      `config.json: No such file or directory, falling back to defaults\n${traceback("RuntimeError: shape mismatch")}`,
      "exception",
    ],
    ["by a log of megabytes in between", oom + training(60_000) + "some last words\n", "unknown"],
  ])("%s", (_, log, kind) => {
    expect(classOf(log)).toBe(kind);
  });
});
