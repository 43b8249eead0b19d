"""How much memory this process has taken."""

import sys
from typing import Optional


def peak_rss() -> Optional[int]:
    """
    Bytes at most so far; None where the system does not tell.

    Linux's own count (VmHWM), where there is one: ``getrusage`` counts what the process was before it became this program too, which is
    the peak of whoever started it.
    """
    try:
        with open("/proc/self/status") as status:
            for line in status:
                if line.startswith("VmHWM:"):
                    return int(line.split()[1]) * 1024
    except (OSError, ValueError, IndexError):
        pass
    try:
        import resource
    except ImportError:  # Windows
        return None
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return int(peak) if sys.platform == "darwin" else int(peak) * 1024
