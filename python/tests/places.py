"""Where things are, for conftest.py and the tests alike (a conftest cannot be imported by name: there are several)."""

import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
PYTHON = os.path.dirname(HERE)
SCRIPTS = os.path.join(HERE, "scripts")
ROOT = os.path.dirname(PYTHON)
GENERATED = os.path.join(ROOT, "protocol", "generated")

if PYTHON not in sys.path:
    sys.path.insert(0, PYTHON)
