"""What a standalone run keeps of its surroundings: process identity, machine, packages, git. Cheap and limited in time."""

import os
import platform
import re
import sys
import time
from typing import Any, Dict, List, Optional, Tuple

GIT_SECONDS = 2.0
_PATCH_BYTES = 10 * 1024 * 1024

# The distributions whose versions decide what a training does.
_PACKAGES = (
    "torch",
    "transformers",
    "trl",
    "peft",
    "accelerate",
    "datasets",
    "tokenizers",
    "safetensors",
    "lightning",
    "pytorch-lightning",
    "torchvision",
    "torchaudio",
    "bitsandbytes",
    "deepspeed",
    "flash-attn",
    "xformers",
    "vllm",
    "jax",
    "flax",
    "tensorflow",
    "keras",
    "numpy",
    "scikit-learn",
    "tensorboard",
)


def process_identity(pid: int) -> Dict[str, Any]:
    """``pid`` with its start time and the boot it belongs to (protocol: ProcessIdentity)."""
    return {"pid": pid, "start_time": _start_time(pid), "boot_id": _boot_id()}


def _start_time(pid: int) -> str:
    try:
        with open("/proc/%d/stat" % pid, "rb") as file:
            # The command in field 2 may hold spaces and parentheses; field 22 is the 20th behind the last ")".
            return file.read().rpartition(b")")[2].split()[19].decode("ascii")
    except (OSError, IndexError):
        return _output(["ps", "-o", "lstart=", "-p", str(pid)]) or "unknown"


def _boot_id() -> str:
    try:
        with open("/proc/sys/kernel/random/boot_id", encoding="ascii") as file:
            return file.read().strip()
    except OSError:
        return _output(["sysctl", "-n", "kern.boottime"]) or "unknown"


def environment() -> Dict[str, Any]:
    """protocol: EnvironmentSnapshot"""
    return {
        "hostname": platform.node() or "unknown",
        "platform": platform.platform(),
        "cpu_count": os.cpu_count() or 1,
        "memory_bytes": _memory_bytes(),
        "gpus": _gpus(),
        "python": sys.executable or None,
        "python_version": platform.python_version(),
        "packages": packages(),
    }


def packages() -> Dict[str, str]:
    """Installed versions of the known distributions; nothing is imported."""
    from importlib import metadata

    found: Dict[str, str] = {}
    for name in _PACKAGES:
        try:
            found[name] = metadata.version(name)
        except Exception:
            continue
    return found


def _memory_bytes() -> int:
    try:
        return max(1, os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"))
    except (AttributeError, OSError, ValueError):
        pass
    try:  # Windows
        import ctypes

        class Status(ctypes.Structure):
            _fields_ = [("length", ctypes.c_ulong), ("load", ctypes.c_ulong)] + [
                (name, ctypes.c_ulonglong) for name in ("total", "free", "page", "page_free", "virtual", "virtual_free", "extended")
            ]

        status = Status()
        status.length = ctypes.sizeof(Status)
        ctypes.windll.kernel32.GlobalMemoryStatusEx(ctypes.byref(status))  # type: ignore[attr-defined]
        return max(1, int(status.total))
    except Exception:
        return 1


def _gpus() -> List[str]:
    """Names of NVIDIA GPUs from the driver's own files, which costs nothing; nvidia-smi may take seconds."""
    names: List[str] = []
    root = "/proc/driver/nvidia/gpus"
    try:
        for entry in sorted(os.listdir(root)):
            with open(os.path.join(root, entry, "information"), encoding="utf-8", errors="replace") as file:
                found = re.search(r"^Model:\s*(.+)$", file.read(), re.MULTILINE)
            if found:
                names.append(found.group(1).strip())
    except OSError:
        pass
    return names


def git(folder: str) -> Tuple[Optional[Dict[str, Any]], Optional[str]]:
    """
    State of the working tree around ``folder`` (protocol: GitSnapshot) and the diff of its tracked files.
    Both None outside of a repository, without git, or when git takes longer than GIT_SECONDS.
    """
    deadline = time.monotonic() + GIT_SECONDS

    def ask(*arguments: str) -> Optional[str]:
        command = ["git", "-C", folder, "-c", "core.fsmonitor=false"] + list(arguments)
        return _output(command, max(0.05, deadline - time.monotonic()))

    root = ask("rev-parse", "--show-toplevel")
    commit = ask("rev-parse", "HEAD") if root else None
    status = ask("status", "--porcelain") if commit else None
    if root is None or commit is None or status is None:
        return None, None
    dirty = len([line for line in status.splitlines() if line.strip()])
    remote = ask("config", "--get", "remote.origin.url")
    snapshot = {
        "root": root,
        "commit": commit,
        "branch": ask("symbolic-ref", "--short", "-q", "HEAD") or None,
        # An address may carry a password.
        "remote": re.sub(r"(?<=://)[^/@]*@", "", remote) if remote else None,
        "dirty_files": dirty,
    }
    patch = ask("diff", "--no-ext-diff", "--no-color", "--binary", "HEAD") if dirty else None
    if patch is not None and len(patch) > _PATCH_BYTES:
        patch = None
    return snapshot, patch + "\n" if patch else None


def _output(command: List[str], timeout: float = 1.0) -> Optional[str]:
    """What a command prints, or None when it fails, is missing, or takes too long."""
    import subprocess  # not at the top: a launched process asks nobody

    environ = dict(os.environ, GIT_OPTIONAL_LOCKS="0", LC_ALL="C")
    try:
        done = subprocess.run(
            command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL, timeout=timeout, env=environ, check=False
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.decode("utf-8", "surrogateescape").rstrip("\n") if done.returncode == 0 else None
