"""What the operators and functions of the query language mean: float64 arithmetic as the server's, without exceptions."""

import math
from typing import Callable, Dict, List, Mapping, NamedTuple, Tuple, Union

Scalar = Union[float, str, bool]
Value = Union[Scalar, Tuple[Scalar, ...], None]
Fields = Mapping[str, Value]
Evaluator = Callable[[Fields], Value]


class FunctionShape(NamedTuple):
    least: int
    most: int
    args: str
    gives: str


_NUMERIC = ("abs", "sqrt", "exp", "log", "log2", "log10", "floor", "ceil", "round")
FUNCTIONS: Dict[str, FunctionShape] = {
    **{name: FunctionShape(1, 1, "number", "number") for name in _NUMERIC},
    "min": FunctionShape(1, 100, "number", "number"),
    "max": FunctionShape(1, 100, "number", "number"),
    "coalesce": FunctionShape(1, 100, "any", "any"),
    "if": FunctionShape(3, 3, "if", "any"),
    "is_nan": FunctionShape(1, 1, "number", "boolean"),
    "is_finite": FunctionShape(1, 1, "number", "boolean"),
}


def constant(value: Value) -> Evaluator:
    return lambda fields: value


def field(name: str) -> Evaluator:
    return lambda fields: fields.get(name)


def both(left: Evaluator, right: Evaluator) -> Evaluator:
    return lambda fields: left(fields) is True and right(fields) is True


def either(left: Evaluator, right: Evaluator) -> Evaluator:
    return lambda fields: left(fields) is True or right(fields) is True


def inverse(operand: Evaluator) -> Evaluator:
    return lambda fields: operand(fields) is not True


def present(operand: Evaluator, there: bool) -> Evaluator:
    return lambda fields: (operand(fields) is not None) == there


def negative(operand: Evaluator) -> Evaluator:
    def evaluate(fields: Fields) -> Value:
        value = operand(fields)
        return -value if type(value) is float else None

    return evaluate


def arithmetic(operator: str, left: Evaluator, right: Evaluator) -> Evaluator:
    calculate = _ARITHMETIC[operator]

    def evaluate(fields: Fields) -> Value:
        a, b = left(fields), right(fields)
        return calculate(a, b) if type(a) is float and type(b) is float else None

    return evaluate


def compare(operator: str, left: Evaluator, right: Evaluator) -> Evaluator:
    test = _COMPARE[operator]
    return lambda fields: test(left(fields), right(fields))


def member(operand: Evaluator, choices: List[Evaluator], negated: bool) -> Evaluator:
    def evaluate(fields: Fields) -> Value:
        value = operand(fields)
        if value is None:
            return False
        others = [choice(fields) for choice in choices]
        # "x not in (a, b)" is "x != a and x != b", which a missing value makes false.
        if negated and None in others:
            return False
        return any(_holds(other, value) for other in others) != negated

    return evaluate


def _holds(other: Value, value: Value) -> bool:
    if isinstance(other, tuple) and not isinstance(value, tuple):
        return any(_member_equal(item, value) for item in other)
    return _equal(value, other)


def _member_equal(item: Value, value: Value) -> bool:
    # A list that holds NaN holds it: membership is by identity of the value.
    if type(item) is float and type(value) is float and math.isnan(item) and math.isnan(value):
        return True
    return _equal(item, value)


def call(name: str, args: List[Evaluator]) -> Evaluator:
    if name == "if":
        condition, then, otherwise = args
        return lambda fields: then(fields) if condition(fields) is True else otherwise(fields)
    if name == "coalesce":
        return lambda fields: next((found for found in (arg(fields) for arg in args) if found is not None), None)
    calculate = _FUNCTIONS[name]

    def evaluate(fields: Fields) -> Value:
        numbers: List[float] = []
        for arg in args:
            number = arg(fields)
            if type(number) is not float:
                return None
            numbers.append(number)
        return calculate(*numbers)

    return evaluate


def _equal(a: Value, b: Value) -> bool:
    if a is None or b is None or type(a) is not type(b):
        return False
    if isinstance(a, tuple) and isinstance(b, tuple):
        return len(a) == len(b) and all(_equal(x, y) for x, y in zip(a, b))
    return a == b


def _unequal(a: Value, b: Value) -> bool:
    return a is not None and b is not None and not _equal(a, b)


def _ordered(test: Callable[[object, object], bool]) -> Callable[[Value, Value], bool]:
    def ordered(a: Value, b: Value) -> bool:
        if type(a) is float and type(b) is float:
            return test(a, b)
        # By UTF-16 units, as the server orders texts.
        return type(a) is str and type(b) is str and test(_units(a), _units(b))

    return ordered


def _units(text: str) -> bytes:
    return text.encode("utf-16-be", "surrogatepass")


def _texts(value: Value) -> Tuple[str, ...]:
    if isinstance(value, str):
        return (value,)
    return tuple(item for item in value if isinstance(item, str)) if isinstance(value, tuple) else ()


def _contains(a: Value, b: Value) -> bool:
    return isinstance(b, str) and any(b.lower() in text.lower() for text in _texts(a))


def _excludes(a: Value, b: Value) -> bool:
    return a is not None and b is not None and not _contains(a, b)


def _like(a: Value, b: Value) -> bool:
    return isinstance(b, str) and any(matches_pattern(text, b) for text in _texts(a))


def matches_pattern(text: str, pattern: str) -> bool:
    """``*`` stands for any characters, ``?`` for one. No regular expression, so no pattern takes for ever."""
    t = p = start = 0
    star = -1
    while t < len(text):
        if p < len(pattern) and pattern[p] == "*":
            star, start = p, t
            p += 1
        elif p < len(pattern) and pattern[p] in ("?", text[t]):
            t += 1
            p += 1
        elif star >= 0:
            start += 1
            p, t = star + 1, start
        else:
            return False
    return all(character == "*" for character in pattern[p:])


_COMPARE: Dict[str, Callable[[Value, Value], bool]] = {
    "=": _equal,
    "!=": _unequal,
    "<": _ordered(lambda a, b: a < b),  # type: ignore[operator]
    "<=": _ordered(lambda a, b: a <= b),  # type: ignore[operator]
    ">": _ordered(lambda a, b: a > b),  # type: ignore[operator]
    ">=": _ordered(lambda a, b: a >= b),  # type: ignore[operator]
    "~": _contains,
    "!~": _excludes,
    "like": _like,
}


def _divide(a: float, b: float) -> float:
    if b != 0:
        return a / b
    if a == 0 or math.isnan(a) or math.isnan(b):
        return math.nan
    return math.copysign(math.inf, a) * math.copysign(1.0, b)


def _power(a: float, b: float) -> float:
    # Where IEEE 754's pow says 1 for an exponent that is no number, ECMAScript says NaN.
    if math.isnan(b) or (abs(a) == 1 and math.isinf(b)):
        return math.nan
    try:
        return math.pow(a, b)
    except OverflowError:
        return -math.inf if a < 0 and b % 2 == 1 else math.inf
    except ValueError:
        if a == 0:
            return -math.inf if math.copysign(1.0, a) < 0 and b % 2 == 1 else math.inf
        return math.nan


_ARITHMETIC: Dict[str, Callable[[float, float], float]] = {
    "+": lambda a, b: a + b,
    "-": lambda a, b: a - b,
    "*": lambda a, b: a * b,
    "/": _divide,
    "^": _power,
}


def _defined(function: Callable[[float], float]) -> Callable[[float], float]:
    def calculate(x: float) -> float:
        try:
            return float(function(x))
        except OverflowError:
            return math.inf
        except ValueError:
            return math.nan

    return calculate


def _logarithm(function: Callable[[float], float]) -> Callable[[float], float]:
    guarded = _defined(function)
    return lambda x: -math.inf if x == 0 else guarded(x)


def _whole(function: Callable[[float], int]) -> Callable[[float], float]:
    return lambda x: float(function(x)) if math.isfinite(x) else x


def _round(x: float) -> int:
    lower = math.floor(x)
    return lower + 1 if x - lower >= 0.5 else lower


def _least(*numbers: float) -> float:
    return math.nan if any(math.isnan(number) for number in numbers) else min(numbers)


def _greatest(*numbers: float) -> float:
    return math.nan if any(math.isnan(number) for number in numbers) else max(numbers)


_FUNCTIONS: Dict[str, Callable[..., Value]] = {
    "abs": abs,
    "sqrt": _defined(math.sqrt),
    "exp": _defined(math.exp),
    "log": _logarithm(math.log),
    "log2": _logarithm(math.log2),
    "log10": _logarithm(math.log10),
    "floor": _whole(math.floor),
    "ceil": _whole(math.ceil),
    "round": _whole(_round),
    "min": _least,
    "max": _greatest,
    "is_nan": math.isnan,
    "is_finite": math.isfinite,
}
