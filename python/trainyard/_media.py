"""Images as PNG and vectors as lines: what is kept as an artifact of a step. Imports neither numpy nor torch nor PIL."""

import json
import math
import os
import re
import struct
import time
import zlib
from typing import Any, List, Optional, Tuple

from ._json import wire_number

_MAX_PIXELS = 100_000_000
_MAX_VALUES = 1_000_000
#: A histogram takes the place of more values than this.
_MAX_PLAIN = 512
_BINS = 64
_LAYOUTS = ("HWC", "CHW", "HW")
# PNG's colour types by channels.
_COLOURS = {1: 0, 2: 4, 3: 2, 4: 6}


def encode_png(image: Any, dataformats: str = "HWC") -> bytes:
    """
    :param image: a PIL image, a NumPy array or tensor, or nested lists. Integers are 0 to 255, floats 0 to 1; what lies outside is cut.
    :param dataformats: HWC, CHW or HW: what the dimensions are
    :raises ValueError: it is no image of 1 to 4 channels
    """
    if dataformats.upper() not in _LAYOUTS:
        raise ValueError("an image is %s, not %s" % (", ".join(_LAYOUTS), dataformats))
    pixels, width, height, channels = _from_pil(image) or _from_array(image, dataformats.upper()) or _from_lists(image, dataformats.upper())
    stride = width * channels
    rows = b"".join(b"\0" + pixels[at : at + stride] for at in range(0, stride * height, stride))
    head = struct.pack(">IIBBBBB", width, height, 8, _COLOURS[channels], 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", head) + _chunk(b"IDAT", zlib.compress(rows, 6)) + _chunk(b"IEND", b"")


def _chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


Pixels = Tuple[bytes, int, int, int]


def _from_pil(image: Any) -> Optional[Pixels]:
    if not (hasattr(image, "mode") and hasattr(image, "tobytes") and hasattr(image, "convert")):
        return None
    channels = {"L": 1, "LA": 2, "RGB": 3, "RGBA": 4}
    plain = image if image.mode in channels else image.convert("RGBA" if "A" in image.getbands() else "RGB")
    width, height = plain.size
    _check(width, height, channels[plain.mode])
    return bytes(plain.tobytes()), width, height, channels[plain.mode]


def _from_array(image: Any, layout: str) -> Optional[Pixels]:
    """Through the array's own methods, so that a large one is not taken apart number by number."""
    for method in ("detach", "cpu", "numpy"):
        image = getattr(image, method)() if hasattr(image, method) else image
    if not (hasattr(image, "astype") and hasattr(image, "transpose") and hasattr(image, "dtype")):
        return None
    if image.ndim == 4 and image.shape[0] == 1:
        image = image[0]
    if layout == "CHW" and image.ndim == 3:
        image = image.transpose(1, 2, 0)
    if image.ndim not in (2, 3):
        raise ValueError("an image has two or three dimensions, not %d" % image.ndim)
    if image.dtype.kind == "b":
        image = image.astype("uint8") * 255
    elif image.dtype.kind == "f":
        image = _scaled(image)
    bytes_ = image.clip(0, 255).astype("uint8")
    height, width = bytes_.shape[:2]
    channels = bytes_.shape[2] if bytes_.ndim == 3 else 1
    _check(width, height, channels)
    return bytes_.tobytes(), width, height, channels


def _scaled(image: Any) -> Any:
    copy = image.astype("float64")
    copy[copy != copy] = 0  # NaN becomes black
    return copy.clip(0, 1) * 255 + 0.5


def _from_lists(image: Any, layout: str) -> Pixels:
    planes = [[[pixel] if not isinstance(pixel, (list, tuple)) else list(pixel) for pixel in row] for row in image]
    if layout == "CHW":
        planes = [[list(pixel) for pixel in zip(*rows)] for rows in zip(*[[[value for value in row] for row in plane] for plane in image])]
    height, width = len(planes), len(planes[0]) if planes else 0
    channels = len(planes[0][0]) if width else 0
    _check(width, height, channels)
    flat = [value for row in planes for pixel in row for value in pixel]
    if len(flat) != width * height * channels:
        raise ValueError("the rows of the image are of different lengths")
    scale = 255.0 if any(isinstance(value, float) for value in flat) else 1.0
    return bytes(_byte(value * scale) for value in flat), width, height, channels


def _byte(value: Any) -> int:
    return 0 if value != value else min(255, max(0, math.floor(min(255.0, max(0.0, value)) + 0.5)))


def _check(width: int, height: int, channels: int) -> None:
    if width < 1 or height < 1 or width * height > _MAX_PIXELS:
        raise ValueError("an image of %d by %d pixels is not kept" % (width, height))
    if channels not in _COLOURS:
        raise ValueError("an image has 1 to 4 channels, not %d" % channels)


def numbers_of_vector(values: Any) -> List[float]:
    """The numbers in an array, tensor or nested lists, flat. :raises ValueError: too many, or something else among them"""
    for method in ("detach", "cpu", "numpy", "tolist"):
        values = getattr(values, method)() if hasattr(values, method) else values
    found: List[float] = []

    def add(value: Any) -> None:
        if isinstance(value, (list, tuple)):
            for item in value:
                add(item)
        else:
            found.append(float(value))
        if len(found) > _MAX_VALUES:
            raise ValueError("a vector of more than %d values is not kept" % _MAX_VALUES)

    add(values)
    return found


def vector_line(values: List[float], step: Optional[int]) -> str:
    """One line of a vector's file: the values, or the histogram of many."""
    record: dict = {"step": step, "time": time.time()}
    if len(values) <= _MAX_PLAIN:
        record["values"] = [wire_number(value) for value in values]
    else:
        record.update(_histogram(values))
    return json.dumps(record, allow_nan=False) + "\n"


def _histogram(values: List[float]) -> dict:
    finite = [value for value in values if math.isfinite(value)]
    low, high = (min(finite), max(finite)) if finite else (0.0, 0.0)
    width = (high - low) / _BINS
    counts = [0] * _BINS
    for value in finite:
        counts[min(_BINS - 1, int((value - low) / width)) if width > 0 and math.isfinite(width) else 0] += 1
    edges = [low + width * bin for bin in range(_BINS)] + [high]
    return {"edges": edges, "counts": counts, "count": len(values), "not_finite": len(values) - len(finite)}


def file_name(name: str) -> str:
    """A tag as a relative path: ``eval/samples`` keeps its folder, nothing leads out of it."""
    parts = [re.sub(r"[^\w.\- ]", "_", part) for part in name.split("/")]
    kept = [part for part in parts if part.strip(". ") != ""]
    return "/".join(kept) or "untitled"


def write_new(path: str, content: bytes) -> None:
    """The whole file or none."""
    os.makedirs(os.path.dirname(path), exist_ok=True)
    temporary = "%s.%d.tmp" % (path, os.getpid())
    with open(temporary, "wb") as file:
        file.write(content)
    os.replace(temporary, path)


def append_line(path: str, line: str) -> bool:
    """True for the first line of the file."""
    os.makedirs(os.path.dirname(path), exist_ok=True)
    first = not os.path.exists(path)
    with open(path, "a", encoding="utf-8") as file:
        file.write(line)
    return first
