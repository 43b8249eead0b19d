"""JSON as the run folder wants it: no bare NaN, no secrets, files replaced atomically."""

import datetime
import json
import math
import os
import re
from typing import Any, Dict, Mapping

_MAX_TEXT = 10_000
_MAX_DEPTH = 8
_MAX_ITEMS = 1_000

# Whole words only, so that `eos_token`, `max_tokens` and `tokenizer` stay.
_SECRET = re.compile(
    r"^token$|(^|[_\-.])((hub|hf|api|auth|access|bearer|secret|session|wandb)[_\-]?token"
    r"|passw(or)?d|secret|(api|access|private|secret)[_\-]?key|credentials?)$",
    re.IGNORECASE,
)


def is_secret(name: str) -> bool:
    """Does a parameter of this name hold something that must not reach a file?"""
    return _SECRET.search(name) is not None


def wire_number(value: float) -> Any:
    """A float as JSON has it; NaN and infinities as strings (protocol: WireNumber)."""
    if math.isfinite(value):
        return value
    return "NaN" if math.isnan(value) else ("Infinity" if value > 0 else "-Infinity")


def to_json(value: Any, depth: int = 0) -> Any:
    """
    Any Python value as a JSON value: numbers, text, lists and objects as they are, everything else as its text.
    Long text and deep or huge structures are cut; parameters are for reading, not for storing data.
    """
    if value is None or isinstance(value, (bool, str)):
        return value[:_MAX_TEXT] if isinstance(value, str) else value
    if isinstance(value, int):
        # JavaScript reads numbers as float64; larger integers would change silently.
        return int(value) if -(2**53) < value < 2**53 else str(value)
    if isinstance(value, float):
        return wire_number(float(value))
    if depth >= _MAX_DEPTH:
        return str(value)[:_MAX_TEXT]
    if isinstance(value, Mapping):
        return json_object(value, depth + 1)
    if isinstance(value, (list, tuple, set, frozenset)):
        return [to_json(item, depth + 1) for item in list(value)[:_MAX_ITEMS]]
    number = _scalar(value)
    if number is not None:
        return to_json(number, depth + 1)
    return str(value)[:_MAX_TEXT]


def json_object(values: Mapping[Any, Any], depth: int = 0) -> Dict[str, Any]:
    """``values`` as a JSON object. What looks like a secret by its name is replaced by ``<redacted>``."""
    out: Dict[str, Any] = {}
    for key, value in list(values.items())[:_MAX_ITEMS]:
        name = str(key)
        out[name] = "<redacted>" if is_secret(name) and value not in (None, "", False) else to_json(value, depth)
    return out


def _scalar(value: Any) -> Any:
    """The Python number inside a NumPy scalar or a tensor with one element, else None."""
    item = getattr(value, "item", None)
    if callable(item) and getattr(value, "size", None) is not None:
        try:
            number = item()
        except Exception:
            return None
        return number if isinstance(number, (bool, int, float, str)) else None
    return None


def dumps(value: Any) -> str:
    """One line of strict JSON. ``allow_nan`` is off: a bare NaN would break every reader that is not Python."""
    return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))


def write_atomic(path: str, value: Any) -> None:
    """Replace ``path`` by ``value`` as indented JSON: a reader sees the old file or the new one, never half of it."""
    write_text_atomic(path, json.dumps(value, ensure_ascii=False, allow_nan=False, indent=2) + "\n")


def write_text_atomic(path: str, text: str) -> None:
    """Replace ``path`` by ``text`` in UTF-8. @raises OSError"""
    temporary = "%s.%d.tmp" % (path, os.getpid())
    try:
        with open(temporary, "w", encoding="utf-8", errors="replace", newline="\n") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except OSError:
        try:
            os.unlink(temporary)
        except OSError:
            pass
        raise


def instant(seconds: float) -> str:
    """Seconds since the epoch as RFC 3339 in UTC with milliseconds."""
    time = datetime.datetime.fromtimestamp(seconds, datetime.timezone.utc)
    return time.strftime("%Y-%m-%dT%H:%M:%S.") + "%03dZ" % (time.microsecond // 1000)
