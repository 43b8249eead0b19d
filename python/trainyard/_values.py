"""What a logged value may be, and how it becomes a float64. Imports neither torch nor numpy."""

from typing import Any, Dict, Iterator, Mapping, Optional, Tuple

# Types that cannot change behind our back and that struct packs as they are. NumPy's scalar types join when first seen.
PLAIN = {float, int, bool}


def to_float(value: Any) -> Optional[float]:
    """
    ``value`` as a float, or None when it is not one number. NaN and infinities are numbers.
    Text is none, even when it reads like one: a typo must not become a curve. A tensor on a GPU is waited for.
    """
    if isinstance(value, (str, bytes, bytearray)) or value is None:
        return None
    try:
        if _is_array(value):
            return float(value.item())  # raises for more than one element
        return float(value)
    except Exception:
        return None


def _is_array(value: Any) -> bool:
    """A NumPy array or scalar, a tensor of torch, JAX or TensorFlow."""
    return hasattr(value, "item") and hasattr(value, "dtype")


def is_mutable_number(value: Any) -> bool:
    """Arrays and tensors may be changed in place after they were logged; NumPy's scalars may not."""
    return _is_array(value) and not _is_numpy_scalar(value)


def _is_numpy_scalar(value: Any) -> bool:
    # numpy.generic is the base of every NumPy scalar; found by name, so that NumPy need not be there.
    return any(base.__name__ == "generic" and base.__module__ == "numpy" for base in type(value).__mro__)


def snapshot(value: Any) -> Any:
    """``value`` as it is now: tensors and arrays with one element become numbers, nested dicts are copied."""
    kind = type(value)
    if kind in PLAIN:
        return value
    if isinstance(value, dict):
        return {name: snapshot(item) for name, item in value.items()}
    if _is_array(value):
        if _is_numpy_scalar(value):
            PLAIN.add(kind)
            return value
        try:
            return value.item()
        except Exception:
            return value
    return value


def was_changed_in_place(value: Any) -> bool:
    """torch counts in-place changes of a tensor; other arrays do not say."""
    return is_mutable_number(value) and getattr(value, "_version", 1) != 0


def flatten(metrics: Mapping[Any, Any], prefix: str = "", depth: int = 0) -> Iterator[Tuple[str, Any]]:
    """Names and values; a nested dict's names are joined by "/" (``{"train": {"loss": 1}}`` is ``train/loss``)."""
    for name, value in metrics.items():
        path = prefix + str(name)
        if isinstance(value, Mapping) and depth < 8:
            yield from flatten(value, path + "/", depth + 1)
        else:
            yield path, value


def numbers_of(metrics: Mapping[Any, Any]) -> Tuple[Dict[str, float], int]:
    """The numbers in ``metrics`` by their flat name, and how many values were none."""
    numbers: Dict[str, float] = {}
    refused = 0
    for name, value in flatten(metrics):
        number = to_float(value)
        if number is None or name == "":
            refused += 1
        else:
            numbers[name] = number
    return numbers, refused
