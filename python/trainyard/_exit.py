"""How the end of the process reaches the run: atexit, unhandled exceptions, sys.exit codes, SIGTERM, fork."""

import atexit
import os
import signal
import sys
import threading
from types import FrameType, TracebackType
from typing import Any, Callable, Optional, Type

from ._quiet import warn_once

# What is known about the end of this process; read by the run when it closes itself.
exit_code: Optional[int] = None

_installed = False


def watch(on_crash: Callable[[BaseException], None], on_exit: Callable[[], None], on_fork: Callable[[], None]) -> None:
    """
    Install the hooks, once per process. What was there before is called as well.

    :param on_crash: an exception that nobody caught in the main thread
    :param on_exit: the interpreter ends (also after a crash)
    :param on_fork: runs in a forked child
    """
    global _installed
    if _installed:
        return
    _installed = True
    owner = os.getpid()

    def at_exit() -> None:
        # A forked child runs the parent's exit functions too.
        if os.getpid() == owner:
            _quietly(on_exit)

    atexit.register(at_exit)
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(after_in_child=lambda: _quietly(on_fork))

    previous_hook = sys.excepthook

    def excepthook(kind: Type[BaseException], error: BaseException, trace: Optional[TracebackType]) -> None:
        global exit_code
        exit_code = 1
        if os.getpid() == owner:
            if error.__traceback__ is None:
                error = error.with_traceback(trace)
            _quietly(on_crash, error)
        previous_hook(kind, error, trace)

    sys.excepthook = excepthook

    # SystemExit reaches no hook, and atexit is not told the code: without this a sys.exit(3) would look like success.
    previous_exit = sys.exit

    def exit(status: Any = None) -> Any:
        global exit_code
        exit_code = _code(status)
        previous_exit(status)

    sys.exit = exit  # type: ignore[assignment]


def stop_on_sigterm(on_stop: Callable[[], None]) -> None:
    """
    Let SIGTERM ask for a graceful stop. Only for processes whose framework ends by itself, only in the main thread, and only
    where nobody else handles the signal. A second SIGTERM kills as ever.
    """
    try:
        if threading.current_thread() is not threading.main_thread():
            return
        if signal.getsignal(signal.SIGTERM) is not signal.SIG_DFL:
            return

        def handle(number: int, frame: Optional[FrameType]) -> None:
            if signal.getsignal(signal.SIGTERM) is handle:
                signal.signal(signal.SIGTERM, signal.SIG_DFL)
            _quietly(on_stop)

        signal.signal(signal.SIGTERM, handle)
    except (ValueError, OSError):
        pass


def _code(status: Any) -> int:
    if status is None:
        return 0
    return status if isinstance(status, int) else 1


def _quietly(function: Callable[..., None], *arguments: Any) -> None:
    try:
        function(*arguments)
    except Exception as error:
        warn_once("%s: %s" % (type(error).__name__, error))
