"""
Tracks scripts that import nothing of ours, and gives them the checkpoint that they go on from. The launcher puts this folder first on PYTHONPATH, so Python runs this file at its
start; it costs well under a millisecond until one of the frameworks below is imported. ``python -I`` and ``-E`` pass it by.

Whatever goes wrong here is kept quiet: a script that cannot be tracked must still run.
"""

import os
import sys

_HERE = os.path.dirname(os.path.abspath(__file__))


def _run_the_other():
    """There can be one sitecustomize on the path; run the one that ours hides. Without importlib.util, which costs 5 ms."""
    others = [entry for entry in sys.path if os.path.abspath(entry or ".") != _HERE]
    spec = None
    for finder in sys.meta_path:
        if getattr(finder, "__name__", "") == "PathFinder":
            spec = finder.find_spec("sitecustomize", others)
    if spec is None or spec.loader is None:
        return
    module = type(sys)("sitecustomize")
    module.__spec__, module.__loader__, module.__file__ = spec, spec.loader, spec.origin
    ours = sys.modules.get("sitecustomize")
    sys.modules["sitecustomize"] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        if ours is not None:
            sys.modules["sitecustomize"] = ours
        raise


def _patch_huggingface(module):
    _after_init(module.Trainer, _attach_huggingface)
    from trainyard import _resume

    handover = _resume.handover()
    if handover is not None:
        handover.wrap(module.Trainer, "train", "resume_from_checkpoint", "huggingface", _resume.is_huggingface)


def _patch_training_arguments(module):
    from trainyard import _resume

    handover = _resume.handover()
    if handover is not None:
        handover.redirect(module.TrainingArguments)


def _attach_huggingface(trainer):
    from trainyard.integrations import huggingface

    huggingface.attach(trainer)


def _patch_lightning(module):
    package = sys.modules[module.__name__.rpartition(".trainer.trainer")[0]]

    def attach(trainer):
        from trainyard.integrations import lightning

        lightning.attach(trainer, package)

    _after_init(module.Trainer, attach)
    from trainyard import _resume

    handover = _resume.handover()
    if handover is not None:
        handover.wrap(module.Trainer, "fit", "ckpt_path", "lightning", _resume.is_lightning)


def _patch_tensorboard(module):
    from trainyard.integrations import tensorboard

    tensorboard.listen(module.SummaryWriter)


_PATCHES = {
    "transformers.trainer": _patch_huggingface,
    "transformers.training_args": _patch_training_arguments,
    "lightning.pytorch.trainer.trainer": _patch_lightning,
    "pytorch_lightning.trainer.trainer": _patch_lightning,
    "torch.utils.tensorboard.writer": _patch_tensorboard,
    "tensorboardX.writer": _patch_tensorboard,
}


def _after_init(cls, attach):
    """Call ``attach(instance)`` when the outermost ``__init__`` of ``cls`` itself has run. Subclasses come by through super()."""
    import functools

    original = cls.__init__

    @functools.wraps(original)
    def __init__(self, *args, **kwargs):
        original(self, *args, **kwargs)
        try:
            attach(self)
        except Exception as error:
            _complain("this %s is not tracked" % cls.__name__, error)

    cls.__init__ = __init__


def _complain(what, error):
    try:
        sys.stderr.write("trainyard: %s: %s: %s\n" % (what, type(error).__name__, error))
    except Exception:
        pass


class _Finder:
    """Finds nothing itself: lets the others find one of ours, and patches the module once it has been executed."""

    @staticmethod
    def find_spec(name, path=None, target=None):
        patch = _PATCHES.get(name)
        if patch is None:
            return None
        for finder in sys.meta_path:
            find = getattr(finder, "find_spec", None)
            if finder is _Finder or find is None:
                continue
            spec = find(name, path, target)
            if spec is not None:
                _patch_when_executed(name, spec, patch)
                return spec
        return None


def _patch_when_executed(name, spec, patch):
    loader = spec.loader
    if loader is None or not hasattr(loader, "exec_module"):
        return
    execute = loader.exec_module

    def exec_module(module):
        execute(module)
        try:
            patch(module)
        except Exception as error:
            _complain("%s is not tracked" % name, error)

    try:
        # On the instance: source lookups, reloading and pickling see the loader they know.
        loader.exec_module = exec_module
    except AttributeError:
        pass


if os.environ.get("TRAINYARD_RUN_DIR"):
    sys.meta_path.insert(0, _Finder)
_run_the_other()
