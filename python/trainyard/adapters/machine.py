"""What this machine has: memory, disk and GPUs, without importing torch. None where it does not say."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from typing import Dict, List, NamedTuple, Optional, Sequence, Tuple

_NVIDIA_SMI_SECONDS = 5


class Gpu(NamedTuple):
    """``index`` as a training sees it, counted over the GPUs that are visible to it."""

    index: int
    name: str
    total_bytes: int
    free_bytes: int


def host_memory() -> Tuple[Optional[int], Optional[int]]:
    """Free for a new process without swapping, and all there is."""
    found: Dict[str, int] = {}
    try:
        for line in Path("/proc/meminfo").read_text(encoding="ascii").splitlines():
            name, _, rest = line.partition(":")
            found[name] = int(rest.split()[0]) * 1024
    except (OSError, ValueError, IndexError):
        return None, None
    return found.get("MemAvailable"), found.get("MemTotal")


def disk_free(path: Path) -> Optional[int]:
    """Free bytes of the filesystem that a folder is on, or would be."""
    for folder in (path, *path.parents):
        if folder.is_dir():
            try:
                return shutil.disk_usage(folder).free
            except OSError:
                return None
    return None


def gpus(chosen: Sequence[str] = ()) -> List[Gpu]:
    """The NVIDIA GPUs that a training would see; ``chosen`` are values for CUDA_VISIBLE_DEVICES and win over the variable."""
    program = shutil.which("nvidia-smi")
    if program is None:
        return []
    command = [program, "--query-gpu=index,uuid,name,memory.total,memory.free", "--format=csv,noheader,nounits"]
    try:
        text = subprocess.run(command, capture_output=True, text=True, timeout=_NVIDIA_SMI_SECONDS, check=True).stdout
    except (OSError, subprocess.SubprocessError):
        return []
    return visible(text, list(chosen) or None)


def visible(text: str, chosen: Optional[List[str]]) -> List[Gpu]:
    """From nvidia-smi's table to the GPUs that are visible, in the order in which CUDA counts them."""
    rows = [[cell.strip() for cell in line.split(",")] for line in text.splitlines() if line.count(",") >= 4]
    if chosen is None:
        variable = os.environ.get("CUDA_VISIBLE_DEVICES")
        chosen = None if variable is None else [part.strip() for part in variable.split(",") if part.strip()]
    if chosen is not None:
        rows = [row for wanted in chosen for row in rows if row[0] == wanted or row[1].startswith(wanted)]
    found: List[Gpu] = []
    for index, (_, _, name, total, free, *_rest) in enumerate(rows):
        if total.isdigit() and free.isdigit():
            found.append(Gpu(index, name, int(total) * 2**20, int(free) * 2**20))
    return found
