"""The helpers of the recipes' tests."""

import sys
from pathlib import Path

for folder in (Path(__file__).parent.parent, Path(__file__).parent.parent / "recipes"):
    if str(folder) not in sys.path:
        sys.path.insert(0, str(folder))
