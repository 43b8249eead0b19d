"""
The checkpoint that an attempt goes on from: read from ``resolved.json``, and given to one training of the process. The script asks for it
(``Run.resume_from``), or the import hook passes it to the first training that it fits. Every rank reads the same file and decides by the
same arguments, so all ranks do the same.
"""

import functools
import inspect
import json
import os
from typing import Any, Callable, Dict, List, NamedTuple, Optional, Set, Tuple

from ._quiet import warn_once
from ._standalone import launched_place

#: Recipes whose program is the user's own; every other one loads its checkpoint by itself.
_PROGRAMS = ("script", "command")


class ResumePoint(NamedTuple):
    """Where to go on from."""

    path: str
    """The checkpoint, absolute."""
    step: int
    """Steps done when it was written."""


class Handover:
    """
    What the hook does in one process of a launched script.

    :ivar point: the checkpoint to go on from; None when the script starts from the beginning
    :ivar frameworks: those that are given a checkpoint without being asked
    :ivar given: the hook has passed the checkpoint to a training
    """

    def __init__(self, run_dir: str, attempt: int, point: Optional[ResumePoint], fork: bool) -> None:
        self.point = point
        self.frameworks: Set[str] = set()
        self.given = False
        self._checkpoint_dir = os.path.realpath(os.path.join(run_dir, "checkpoints"))
        self._fork = fork
        self._taken = False
        self._places: Dict[str, str] = {}
        self._messages: List[Tuple[str, str]] = []
        # Asked for while the framework is imported: other ranks of this training cannot have begun it, they wait for us.
        self._late = point is not None and _has_trained(os.path.join(run_dir, "attempts", str(attempt), "report.jsonl"))

    def wrap(self, owner: type, method: str, argument: str, framework: str, fits: Callable[[str], bool]) -> None:
        """
        Give the checkpoint to the first call of ``owner.method`` that it fits, as ``argument``, where the script gives none.

        :param fits: is the checkpoint at this path one of the framework's?
        """
        original = getattr(owner, method, None)
        signature = inspect.signature(original) if original is not None else None
        if original is None or signature is None or argument not in signature.parameters:
            return
        self.frameworks.add(framework)

        @functools.wraps(original)
        def call(*args: Any, **kwargs: Any) -> Any:
            try:
                args, kwargs = self._completed(signature, argument, fits, args, kwargs)
            except Exception as error:
                warn_once("the checkpoint to go on from was not given to %s: %s: %s" % (framework, type(error).__name__, error))
            return original(*args, **kwargs)

        setattr(owner, method, call)

    def _completed(
        self, signature: inspect.Signature, argument: str, fits: Callable[[str], bool], args: Tuple[Any, ...], kwargs: Dict[str, Any]
    ) -> Tuple[Tuple[Any, ...], Dict[str, Any]]:
        """The arguments of a training, with the checkpoint among them if it is this one that takes it."""
        self.say()
        point = self.point
        if point is None or self._taken:
            return args, kwargs
        try:
            bound = signature.bind(*args, **kwargs)
        except TypeError:
            return args, kwargs  # The call itself says it better.
        # A trial of a hyperparameter search is no training to go on with.
        if bound.arguments.get("trial") is not None or not fits(point.path):
            return args, kwargs
        self._taken = True
        given = bound.arguments.get(argument)
        name = os.path.basename(point.path)
        if given is not None and given is not False:
            if not _same(given, point.path):
                self.note("warning", "The script itself goes on from %s, so the checkpoint %s was not given to it." % (_shown(given), name))
        elif self._late:
            self.note("warning", "The checkpoint %s was not given to this training: another one of this attempt came before it." % name)
        else:
            self.given = True
            bound.arguments[argument] = point.path
            self.note("info", "Goes on from the checkpoint %s at step %d." % (name, point.step))
            args, kwargs = bound.args, bound.kwargs
        self.say()
        return args, kwargs

    def taken_by_script(self) -> None:
        """The script has asked for the checkpoint and loads it by itself."""
        self._taken = True

    # -- forks -------------------------------------------------------------------------------------------------------

    def place_for(self, folder: Optional[str]) -> Optional[str]:
        """
        Where a training may write checkpoints that is about to write them to ``folder``. A fork runs its parent's command, which
        names its parent's folder: there it would overwrite the parent's checkpoints, so it gets the run's own.

        :param folder: None where the framework would choose one by itself
        """
        if not self._fork:
            return folder
        wanted = os.path.realpath(os.path.expanduser(folder)) if folder else ""
        if wanted and os.path.commonpath([wanted, self._checkpoint_dir]) == self._checkpoint_dir:
            return folder
        if wanted not in self._places:
            number = len(self._places)
            own = "%s-%d" % (os.path.basename(wanted) or "training", number + 1)
            # Two trainings of one script keep apart what they kept apart before.
            self._places[wanted] = self._checkpoint_dir if number == 0 else os.path.join(self._checkpoint_dir, own)
            instead = "instead of %s, which its parent's command names" % folder if folder else "so that its parent's are left alone"
            self.note("info", "As this run is a fork, its checkpoints go to %s %s." % (self._places[wanted], instead))
        return self._places[wanted]

    def redirect(self, arguments: type) -> None:
        """Let ``TrainingArguments`` name a place of this run's own as their ``output_dir``."""
        if not self._fork:
            return
        original = arguments.__post_init__  # type: ignore[attr-defined]

        @functools.wraps(original)
        def __post_init__(this: Any, *args: Any, **kwargs: Any) -> None:
            try:
                # transformers' own default; before the rest, which derives other folders from it.
                this.output_dir = self.place_for(this.output_dir or "trainer_output")
            except Exception as error:
                warn_once("checkpoints are not redirected: %s: %s" % (type(error).__name__, error))
            original(this, *args, **kwargs)

        arguments.__post_init__ = __post_init__  # type: ignore[attr-defined]

    # -- what people are told ----------------------------------------------------------------------------------------

    def note(self, level: str, text: str) -> None:
        """Kept until a training begins: a process that trains nothing has nothing to report."""
        self._messages.append((level, text))

    def say(self) -> None:
        """Report what was noted, on the rank that reports."""
        import trainyard

        if not self._messages:
            return
        run = trainyard.current() or trainyard.init()
        while self._messages:
            run.message(*self._messages.pop(0))


_handover: Optional[Handover] = None
_looked = False


def handover() -> Optional[Handover]:
    """The one of this process; None where nothing of it is the hook's business: no launched script, or a recipe of ours."""
    global _handover, _looked
    if not _looked:
        _looked = True
        place = launched_place()
        resolved = _document(place.run_dir, "resolved.json") if place is not None else {}
        if place is not None and resolved.get("recipe") in _PROGRAMS:
            parent = _document(place.run_dir, "run.json").get("parent")
            fork = isinstance(parent, dict) and parent.get("checkpoint") is not None
            _handover = Handover(place.run_dir, place.attempt, _point(resolved), fork)
    return _handover


def resume_point(run_dir: str) -> Optional[ResumePoint]:
    """The checkpoint that a script which asks for it goes on from. Nobody else is given it afterwards."""
    mine = handover()
    if mine is not None:
        mine.taken_by_script()
    return _point(_document(run_dir, "resolved.json"))


def resumes(framework: str) -> bool:
    """Is this framework given a checkpoint in this process?"""
    mine = handover()
    return mine is not None and framework in mine.frameworks


def is_huggingface(path: str) -> bool:
    """One of transformers.Trainer; also when it is gone, so that the Trainer says so instead of training from the beginning."""
    return os.path.isfile(os.path.join(path, "trainer_state.json")) or not os.path.exists(path)


def is_lightning(path: str) -> bool:
    """A file of Lightning's, or a folder of a sharded strategy."""
    return not os.path.isfile(os.path.join(path, "trainer_state.json"))


def _point(resolved: Dict[str, Any]) -> Optional[ResumePoint]:
    found = resolved.get("resume_from")
    if not isinstance(found, dict) or found.get("mode") != "state":
        return None
    return ResumePoint(str(found["path"]), int(found["step"]))


def _document(run_dir: str, name: str) -> Dict[str, Any]:
    """A JSON object of the run folder; empty when it cannot be read."""
    try:
        with open(os.path.join(run_dir, name), encoding="utf-8") as file:
            value = json.load(file)
    except (OSError, ValueError):
        return {}
    return value if isinstance(value, dict) else {}


def _has_trained(report: str) -> bool:
    """Has another process of the attempt begun a training? A command may run several, and the checkpoint is of one alone."""
    try:
        with open(report, encoding="utf-8", errors="replace") as file:
            return any(line.startswith('{"type":"plan"') for line in file)
    except OSError:
        return False


def _same(given: Any, path: str) -> bool:
    return isinstance(given, (str, os.PathLike)) and os.path.realpath(given) == os.path.realpath(path)


def _shown(given: Any) -> str:
    return "the newest checkpoint of its own folder" if given is True else str(given)
