"""The run as the training process sees it."""

import os
import platform
import sys
import time
import traceback
from types import TracebackType
from typing import Any, Dict, List, Mapping, Optional, Type, Union

from . import _exit, _hot, _json, _standalone
from ._artifacts import Artifacts
from ._drain import STOP_POLL_SECONDS, Drain
from ._metric_file import MetricFile
from ._quiet import guarded, warn_once
from ._report import Report
from ._resume import ResumePoint, resume_point
from ._version import __version__

_FLUSH_SECONDS = 5.0
_FINISH_SECONDS = 30.0
_HEARTBEAT_SECONDS = 0.2
_MAX_TRACEBACK = 20_000
_ARTIFACT_KINDS = ("checkpoint", "tensorboard", "evaluation", "config", "predictions", "model", "other")
_CHECKPOINT_KINDS = ("full", "adapter", "weights")
# Integers beyond it change when JavaScript reads them.
_MAX_INTEGER = 2**53 - 1
_STATUSES = ("completed", "failed", "cancelled")
_LEVELS = ("info", "warning", "error")

Error = Union[BaseException, Mapping[str, Any], str]


class Run:
    """
    One attempt of one run. Made by ``trainyard.init``. Its methods never raise; a process that does not report (another
    rank, a forked child, a disk that refuses) has the same object with nothing behind it.
    """

    #: Log numbers of one step, see ``trainyard.log``.
    log = staticmethod(_hot.log)
    log_metrics = staticmethod(_hot.log)

    def __init__(self, place: Optional[_standalone.Place], standalone: bool) -> None:
        self._place = place
        self._standalone = standalone
        self._started = time.time()
        self._metrics: Optional[MetricFile] = None
        self._report: Optional[Report] = None
        self._drain: Optional[Drain] = None
        self._artifacts: Optional[Artifacts] = None
        # Of a standalone run: the environment variables as they were before it exported its place.
        self._environment: Dict[str, Optional[str]] = {}
        self._finished = False
        self._stop = False
        self._stop_said = False
        # The script has asked for the checkpoint to go on from.
        self._resumes = False
        self._next_stop_look = 0.0
        self._next_heartbeat = 0.0
        # A trainer has begun and not ended: an exit now is not a completion.
        self._in_training = False
        self._outcome: Optional[Dict[str, Any]] = None
        self._max_steps: Optional[int] = None
        #: Frameworks that report by themselves, name -> does it stop gracefully.
        self.frameworks: Dict[str, bool] = {}

    # -- identity ----------------------------------------------------------------------------------------------------

    @property
    def id(self) -> Optional[str]:
        """``run_…``, None in a process that belongs to no run."""
        return self._place.run_id if self._place else None

    @property
    def dir(self) -> Optional[str]:
        """The run folder, absolute."""
        return self._place.run_dir if self._place else None

    @property
    def attempt(self) -> int:
        """Number of the attempt, from 1."""
        return self._place.attempt if self._place else 0

    @property
    def checkpoint_dir(self) -> Optional[str]:
        """Where checkpoints of this run go, absolute."""
        return os.path.join(self._place.run_dir, "checkpoints") if self._place else None

    @property
    def artifact_dir(self) -> Optional[str]:
        """Where artifacts of this run go, absolute."""
        return os.path.join(self._place.run_dir, "artifacts") if self._place else None

    @property
    def active(self) -> bool:
        """Does this process report?"""
        return self._report is not None and not self._finished

    def __repr__(self) -> str:
        return "<trainyard.Run %s attempt %d%s>" % (self.id, self.attempt, "" if self.active else ", silent")

    # -- life --------------------------------------------------------------------------------------------------------

    def _open(self) -> None:
        """Take the attempt's files. @raises OSError, Occupied, NotOurs: this process stays silent"""
        assert self._place is not None
        folder = self._attempt_dir()
        os.makedirs(folder, exist_ok=True)
        # The metric file's lock decides who of several processes reports.
        metrics = MetricFile(os.path.join(folder, "metrics.bin"))
        try:
            report = Report(os.path.join(folder, "report.jsonl"))
        except OSError:
            metrics.close()
            raise
        self._metrics, self._report = metrics, report
        self._artifacts = Artifacts(os.path.join(self._place.run_dir, "artifacts"), self._announce_artifact)
        report.add(
            "hello",
            pid=os.getpid(),
            sdk_version=__version__,
            python_version=platform.python_version(),
            argv=[str(argument) for argument in sys.argv],
        )
        if self._standalone:
            self._environment = _standalone.export(self._place)
        self._drain = Drain(metrics, report, os.path.join(folder, "stop.json"), self._on_stop_file)
        _hot.begin()
        self._drain.start()

    def _attempt_dir(self) -> str:
        assert self._place is not None
        return os.path.join(self._place.run_dir, "attempts", str(self._place.attempt))

    def _say(self, type: str, **fields: Any) -> None:
        if self._report is not None and not self._finished:
            self._report.add(type, **fields)

    @guarded()
    def finish(self, status: Optional[str] = None, reason: Optional[str] = None, error: Optional[Error] = None) -> None:
        """
        End the run: everything logged is put on disk. A second call does nothing.

        :param status: completed, failed or cancelled. Left out: failed with an ``error``, cancelled when the training ended
            because a stop was asked for, else completed.
        :param reason: one sentence for people
        :param error: the exception that ended it
        """
        if self._finished or self._report is None:
            return
        if status is None:
            status = self._judge(error)
        elif status not in _STATUSES:
            warn_once("finish() knows the statuses %s, not %r" % (", ".join(_STATUSES), status))
            status = self._judge(error)
        self._end(status, reason, error)

    def _judge(self, error: Optional[Error]) -> str:
        if error is not None:
            return "failed"
        if self._outcome is not None:
            return str(self._outcome["status"])
        return "cancelled" if self._stop and not self._reached_plan() else "completed"

    def _end(self, status: Optional[str], reason: Optional[str], error: Optional[Error], code: Optional[int] = None) -> None:
        """``status`` None: nobody can say how the training went, so no end record is written and the reader judges."""
        assert self._report is not None and self._drain is not None and self._place is not None
        _hot.end()
        if self._artifacts is not None and not self._artifacts.wait(_FINISH_SECONDS):
            warn_once("some artifacts were not copied in time")
        self._drain.end(_FINISH_SECONDS)
        outcome = self._outcome or {}
        step = outcome.get("step")
        if status is not None:
            self._report.add(
                "end",
                status=status,
                step=_step(self._drain.step if step is None else step) if self._has_steps() or step is not None else None,
                reason=_text(reason if reason is not None else outcome.get("reason")),
                error=None if error is None else _error_record(error),
            )
        self._finished = True
        if not self._report.retry():
            warn_once("the end of the run could not be written: the disk refuses")
        self._report.close()
        if self._standalone:
            try:
                _standalone.write_exit(self._place, status, self._started, self._stop, code)
            except OSError as problem:
                warn_once("exit.json could not be written: %s" % problem)
            _standalone.withdraw(self._environment)

    def _has_steps(self) -> bool:
        return self._drain is not None and self._drain.step != 0.0

    def _reached_plan(self) -> bool:
        return self._max_steps is not None and self._drain is not None and self._drain.step >= self._max_steps

    def _crashed(self, error: BaseException) -> None:
        if not self.active:
            return
        if isinstance(error, KeyboardInterrupt):
            self._end("cancelled", "interrupted from the keyboard", error, 130)
        else:
            self._end("failed", "%s: %s" % (type(error).__name__, error), error, 1)

    def _exiting(self) -> None:
        """The interpreter ends and nobody called ``finish``."""
        if not self.active:
            return
        code = _exit.exit_code
        if code:
            self._end("failed", "the script ended with exit code %d" % code, None, code)
        elif self._outcome is not None and not self._in_training:
            self._end(str(self._outcome["status"]), None, None)
        elif self._in_training or (self._max_steps is not None and not self._reached_plan() and not self._stop):
            self.message("warning", "the script ended before the training did")
            self._end(None, None, None)
        else:
            self._end(self._judge(None), None, None)

    def _forked(self) -> None:
        """In a forked child: the files and the thread are the parent's."""
        self._report = None
        self._drain = None
        self._metrics = None
        _hot.discard()

    def __enter__(self) -> "Run":
        return self

    def __exit__(self, kind: Optional[Type[BaseException]], error: Optional[BaseException], trace: Optional[TracebackType]) -> None:
        if error is None:
            self.finish()
        elif isinstance(error, SystemExit):
            code = _exit.exit_code if _exit.exit_code is not None else error.code
            self.finish("failed" if code else None, reason="the script ended with exit code %s" % (code,) if code else None)
        elif isinstance(error, KeyboardInterrupt):
            self.finish("cancelled", reason="interrupted from the keyboard", error=error)
        else:
            self.finish("failed", reason="%s: %s" % (type(error).__name__, error), error=error)

    @guarded(False)
    def flush(self, timeout: float = _FLUSH_SECONDS) -> bool:
        """Put everything logged so far on disk. False when the disk did not take it within ``timeout`` seconds."""
        return self._drain.flush(timeout) if self._drain is not None and not self._finished else False

    # -- what a script says ------------------------------------------------------------------------------------------

    @guarded()
    def log_scalar(self, name: str, value: Any, step: Optional[int] = None) -> None:
        """Log one number."""
        _hot.log({name: value}, step)

    @guarded()
    def log_params(self, params: Mapping[str, Any]) -> None:
        """
        Record parameters: numbers, text, lists, dicts; anything else as its text. Later values of a name win. Values whose name
        says that they are secret are redacted.
        """
        if not isinstance(params, Mapping):
            params = dict(params) if hasattr(params, "keys") else vars(params)
        self._say("params", params=_json.json_object(params))

    @guarded()
    def log_artifact(self, path: str, name: Optional[str] = None, kind: str = "other") -> None:
        """
        Keep a file or folder. Up to 8 MiB it is copied in this call, up to 1 GiB in the background (leave it in place until the run
        ends), beyond that it is recorded where it lies.

        :param name: path inside the run's artifacts folder; the file's own name when left out
        :param kind: checkpoint, tensorboard, evaluation, config, predictions, model or other
        """
        if self._artifacts is None or not self.active:
            return
        text = os.fspath(path)
        if kind not in _ARTIFACT_KINDS:
            warn_once("artifact kinds are %s, not %r; recorded as other" % (", ".join(_ARTIFACT_KINDS), kind))
            kind = "other"
        self._artifacts.add(text, name or os.path.basename(os.path.normpath(text)), kind)

    @guarded()
    def log_image(self, name: str, image: Any, step: Optional[int] = None, dataformats: str = "HWC") -> None:
        """
        Keep an image of a step, as PNG in ``artifacts/images/<name>/``.

        :param image: a PIL image, a NumPy array or tensor, or nested lists; integers are 0 to 255, floats 0 to 1
        :param dataformats: what the dimensions are: HWC, CHW or HW
        """
        from . import _media

        if self.artifact_dir is None or not self.active:
            return
        at = _step(self._drain.step if step is None and self._drain is not None else step or 0)
        relative = "images/%s/%012d.png" % (_media.file_name(name), at)
        content = _media.encode_png(image, dataformats)
        _media.write_new(os.path.join(self.artifact_dir, *relative.split("/")), content)
        self._announce_artifact(relative, name, "other", {"size_bytes": len(content), "type": "image", "step": at})

    @guarded()
    def log_vector(self, name: str, values: Any, step: Optional[int] = None) -> None:
        """
        Keep the numbers of a vector at a step, as a line of ``artifacts/vectors/<name>.jsonl``: up to 512 as they are, of more a
        histogram.

        :param values: a list, array or tensor of any shape
        """
        from . import _media

        at = _step(self._drain.step if step is None and self._drain is not None else step or 0)
        self._log_line("vectors", name, _media.vector_line(_media.numbers_of_vector(values), at))

    @guarded()
    def log_text(self, name: str, text: str, step: Optional[int] = None) -> None:
        """Keep a text of a step, as a line of ``artifacts/texts/<name>.jsonl``."""
        import json

        at = _step(self._drain.step if step is None and self._drain is not None else step or 0)
        self._log_line("texts", name, json.dumps({"step": at, "time": time.time(), "text": str(text)}) + "\n")

    def _log_line(self, folder: str, name: str, line: str) -> None:
        from . import _media

        if self.artifact_dir is None or not self.active:
            return
        relative = "%s/%s.jsonl" % (folder, _media.file_name(name))
        if _media.append_line(os.path.join(self.artifact_dir, *relative.split("/")), line):
            self._announce_artifact(relative, name, "other", {"type": folder[:-1]})

    def _announce_artifact(self, path: str, name: str, kind: str, metadata: Dict[str, Any]) -> None:
        self._say("artifact", path=path, name=name, kind=kind, metadata=metadata)

    @guarded()
    def log_checkpoint(
        self,
        path: str,
        step: int,
        kind: str = "full",
        framework: str = "custom",
        metrics: Optional[Mapping[str, Any]] = None,
        final: bool = False,
    ) -> None:
        """
        Record a checkpoint that was written.

        :param kind: full (can be resumed), adapter or weights (can start a fork)
        :param metrics: of the evaluation at this step
        :param final: written because a stop was asked for
        """
        from ._values import numbers_of

        if kind not in _CHECKPOINT_KINDS:
            warn_once("checkpoint kinds are %s, not %r; recorded as weights" % (", ".join(_CHECKPOINT_KINDS), kind))
            kind = "weights"
        numbers, _ = numbers_of(metrics or {})
        self._say(
            "checkpoint",
            step=_step(step),
            path=os.path.abspath(os.fspath(path)),
            kind=kind,
            framework=framework,
            metrics={name: _json.wire_number(value) for name, value in numbers.items()},
            final=bool(final),
        )

    @guarded()
    def plan(self, max_steps: Optional[int] = None, max_epochs: Optional[float] = None, first_step: int = 0) -> None:
        """How long the training means to run. ``first_step``: the step it starts after (0, or the one resumed from)."""
        steps = max(1, _step(max_steps)) if max_steps is not None and max_steps > 0 else None
        epochs = float(max_epochs) if max_epochs is not None and 0 < max_epochs < float("inf") else None
        self._max_steps = steps
        if self._drain is not None and not self._has_steps():
            self._drain.step = float(_step(first_step))
        self._say("plan", first_step=_step(first_step), max_steps=steps, max_epochs=epochs)

    @guarded()
    def framework(self, name: str, version: Optional[str] = None, graceful_stop: bool = False, resumes: bool = False) -> None:
        """
        Say which framework trains. ``graceful_stop``: it looks at ``should_stop`` and then ends by itself, with a checkpoint, so a
        stop waits for it; SIGTERM then asks for the same, unless the script handles it. ``resumes``: started again, it goes on from
        the checkpoint that ``resume_from`` names.
        """
        self.frameworks[name] = graceful_stop
        self._say("framework", name=name, version=version, graceful_stop=graceful_stop, resumes=resumes)
        if graceful_stop and self.active:
            _exit.stop_on_sigterm(self._on_sigterm)

    @property
    def resume_from(self) -> Optional[ResumePoint]:
        """
        The full checkpoint to go on from (``path``, ``step``); None when the training starts from the beginning. Asking for it says
        that the script loads it by itself: only then can a run of such a script be resumed or forked.
        """
        return self._resume_from()

    @guarded()
    def _resume_from(self) -> Optional[ResumePoint]:
        if not self._resumes:
            self._resumes = True
            self.framework("custom", None, graceful_stop=self.frameworks.get("custom", False), resumes=True)
        return resume_point(self._place.run_dir) if self._place is not None else None

    @guarded()
    def heartbeat(self, step: int, epoch: Optional[float] = None, force: bool = False) -> None:
        """The training is at this step. Kept a few times a second at most, so it may be called at every step."""
        now = time.monotonic()
        if now < self._next_heartbeat and not force:
            return
        self._next_heartbeat = now + _HEARTBEAT_SECONDS
        _hot.log({"_step": float(step)} if epoch is None else {"_epoch": float(epoch)}, step)

    @guarded()
    def message(self, level: str, text: str) -> None:
        """A line for people, shown with the run. ``level``: info, warning or error."""
        self._say("message", level=level if level in _LEVELS else "info", text=str(text)[:10_000])

    # -- stop --------------------------------------------------------------------------------------------------------

    @guarded(False)
    def should_stop(self) -> bool:
        """
        Has somebody asked for the end? Cheap; ask once per step, save a checkpoint, and leave the loop when it says True. The first
        call says that this script stops gracefully, so a stop waits for it.
        """
        if not any(self.frameworks.values()) and self.active:
            self.framework("custom", None, graceful_stop=True)
        return self.stop_requested()

    @guarded(False)
    def stop_requested(self) -> bool:
        """The same question without the promise."""
        if self._drain is None and not self._stop and self._place is not None:
            # No thread looks for us (another rank): look ourselves, now and then.
            now = time.monotonic()
            if now >= self._next_stop_look:
                self._next_stop_look = now + STOP_POLL_SECONDS
                self._stop = os.path.exists(os.path.join(self._attempt_dir(), "stop.json"))
        if self._stop and not self._stop_said:
            self._stop_said = True
            self.flush()
        return self._stop

    def _on_stop_file(self) -> None:
        self._stop = True

    def _on_sigterm(self) -> None:
        self._stop = True

    # -- for integrations --------------------------------------------------------------------------------------------

    @guarded()
    def training_began(self) -> None:
        """A trainer starts. Until ``training_ended`` an exit of the process is no completion."""
        self._in_training = True

    @guarded()
    def training_ended(self, status: str, step: Optional[int] = None, reason: Optional[str] = None) -> None:
        """A trainer has ended. The end record is written when the process ends: a script may train twice."""
        self._in_training = False
        self._outcome = {"status": status if status in _STATUSES else "completed", "step": step, "reason": reason}
        self.flush()


def _step(value: Any) -> int:
    """A step as the records have it. @raises TypeError, ValueError, OverflowError: it is no number"""
    return min(_MAX_INTEGER, max(0, int(value)))


def _text(value: Any) -> Optional[str]:
    return None if value is None else str(value)[:10_000]


def _error_record(error: Error) -> Dict[str, str]:
    if isinstance(error, BaseException):
        lines: List[str] = traceback.format_exception(type(error), error, error.__traceback__)
        return {"type": type(error).__name__, "message": str(error)[:10_000], "traceback": "".join(lines)[-_MAX_TRACEBACK:]}
    if isinstance(error, Mapping):
        return {name: str(error.get(name, ""))[-_MAX_TRACEBACK:] for name in ("type", "message", "traceback")}
    return {"type": "Error", "message": str(error)[:10_000], "traceback": ""}
