"""The peak of a process is its own, not that of whoever started it."""

import subprocess
import sys

import pytest
from trainyard._memory import peak_rss

MIB = 2**20


def test_counts_what_this_process_has_taken() -> None:
    before = peak_rss()
    assert before is not None and before > MIB
    block = bytearray(b"x") * (before + 64 * MIB)
    after = peak_rss()
    assert after is not None and after >= before + 64 * MIB
    del block
    assert peak_rss() >= after - 64 * MIB


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux tells a program's own peak")
def test_does_not_count_what_its_starter_took() -> None:
    block = bytearray(b"x") * (400 * MIB)
    code = "from trainyard._memory import peak_rss; print(peak_rss())"
    child = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert len(block) > 0 and int(child.stdout) < 200 * MIB
