"""Nothing in this package may raise into a training loop: guards for public calls, and warnings that are said once."""

import functools
import sys
from typing import Any, Callable, Set, TypeVar, cast

F = TypeVar("F", bound=Callable[..., Any])

_said: Set[str] = set()


def warn_once(text: str) -> None:
    """Say ``text`` on stderr, once in the life of the process. A closed stderr is no reason to fail."""
    if text in _said:
        return
    _said.add(text)
    try:
        sys.stderr.write("trainyard: %s\n" % text)
        sys.stderr.flush()
    except Exception:
        pass


def guarded(default: Any = None) -> Callable[[F], F]:
    """Decorator: an exception becomes one warning and the answer ``default``. KeyboardInterrupt and SystemExit pass."""

    def decorate(function: F) -> F:
        @functools.wraps(function)
        def call(*args: Any, **kwargs: Any) -> Any:
            try:
                return function(*args, **kwargs)
            except Exception as error:
                warn_once("%s failed and was skipped: %s: %s" % (function.__name__, type(error).__name__, error))
                return default

        return cast(F, call)

    return decorate
