"""Values and words of an option as a form shows them: defaults and choices in the field's own type, titles and sentences."""

from __future__ import annotations

import math
import re
from typing import Any, List, Optional

from trainyard.adapters.fields import MISSING

_LOOKS_LIKE_FILE = re.compile(r"(^|_)(file|path|csv|json|yaml|ckpt|checkpoint)$")
_LOOKS_LIKE_FOLDER = re.compile(r"(^|_)(dir|folder|directory|root)$")


def fitting(default: Any, kind: str, items: Optional[str]) -> Any:
    """The default in the field's own type; what JSON cannot hold is left out."""
    if isinstance(default, float) and not math.isfinite(default):
        return MISSING
    if default is None or isinstance(default, bool) and kind == "boolean":
        return default
    if kind == "string":
        return default if isinstance(default, str) else str(default)
    if kind == "array":
        return default if isinstance(default, list) else [default]
    if kind in ("integer", "number") and isinstance(default, str):
        # argparse converts a default that is a text.
        try:
            return int(default) if kind == "integer" else float(default)
        except ValueError:
            return MISSING
    wanted = {"integer": int, "number": (int, float), "boolean": bool, "object": dict}[kind]
    if kind == "integer" and isinstance(default, float) and default.is_integer():
        return int(default)
    return default if isinstance(default, wanted) else MISSING


def fitting_choices(choices: Any, kind: str, default: Any) -> Optional[List[Any]]:
    """In the field's own type; argparse does not hold the default to them, so it is one of them here."""
    if isinstance(choices, str):
        choices = list(choices)
    if not isinstance(choices, list) or kind == "boolean":
        return None
    fitted = [str(choice) if kind == "string" else choice for choice in choices]
    own = default if isinstance(default, list) else [] if default in (None, MISSING) else [default]
    return fitted + [value for value in own if value not in fitted]


def help_text(text: str, default: Any) -> str:
    text = text.replace("%(default)s", "none" if default is MISSING else str(default))
    return re.sub(r"%\((\w+)\)\w", "", text).replace("%%", "%")


def sentence(text: Any) -> str:
    words = " ".join(str(text).split())
    return words if not words or words[-1] in ".!?" else words + "."


def placeholder_text(metavar: Any) -> Optional[str]:
    return metavar if isinstance(metavar, str) else None


def path_kind(name: str) -> Optional[str]:
    """``file`` or ``folder`` for a name that looks like one of a path."""
    return "file" if _LOOKS_LIKE_FILE.search(name) else "folder" if _LOOKS_LIKE_FOLDER.search(name) else None


def title_of(name: str) -> str:
    return name.replace("_", " ").replace("-", " ").strip().capitalize() or name
