"""Which of several processes reports: rank 0 alone."""

import os
from typing import Optional


def rank() -> int:
    """
    This process's rank by what the launchers set: RANK (torchrun, accelerate), LOCAL_RANK (Lightning's own launcher),
    SLURM_PROCID (srun, when there is more than one task). 0 when none says anything.
    """
    for name in ("RANK", "LOCAL_RANK"):
        found = _number(name)
        if found is not None:
            return found
    if (_number("SLURM_NTASKS") or 1) > 1 and "SLURM_STEP_ID" in os.environ:
        return _number("SLURM_PROCID") or 0
    return 0


def _number(name: str) -> Optional[int]:
    try:
        return int(os.environ[name])
    except (KeyError, ValueError):
        return None
