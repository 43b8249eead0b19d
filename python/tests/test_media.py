"""Images, vectors and texts of a step, and the drop-in for SummaryWriter, as files of a run that other programs read."""

import io
import json
import os
from typing import Any

import numpy as np
import pytest
from PIL import Image

from trainyard import _media

SCRIPT = """
import trainyard
from trainyard.tensorboard import SummaryWriter

with SummaryWriter("logs/first", comment="-x") as writer:
    for step in range(3):
        writer.add_scalar("train/loss", 1 / (step + 1), step)
        writer.add_scalars("lr", {"a": 0.1, "b": 0.2}, step)
        writer.add_image("eval/sample", [[[0, 255], [255, 0]]] * 3, step)
    writer.add_images("batch", [[[[0.0, 1.0]]], [[[1.0, 0.0]]]], 1)
    writer.add_text("note", "h\\u00e9llo", 2)
    writer.add_histogram("weights", [0.5, float("nan"), float("inf")], 2)
    writer.add_histogram("many", list(range(1000)), 2)
    writer.add_hparams({"lr": 0.1, "optim": "adamw"}, {"hparam/loss": 0.3})
    writer.add_image("../../escape", [[0]], 0, dataformats="HW")
    writer.add_image("no image", "text", 0)
    writer.add_scalar("after", 1.0, 4)
"""


def _pixels(content: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(content)))


@pytest.mark.parametrize("shape", [(5, 7), (5, 7, 1), (5, 7, 2), (5, 7, 3), (5, 7, 4)])
def test_png_is_read_back_as_it_was(shape: Any) -> None:
    image = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
    squeezed = image[:, :, 0] if shape[2:] == (1,) else image
    layout = "HW" if len(shape) == 2 else "HWC"
    assert np.array_equal(_pixels(_media.encode_png(image, layout)), squeezed)
    assert np.array_equal(_pixels(_media.encode_png(image.tolist(), layout)), squeezed)
    if len(shape) == 3:
        assert np.array_equal(_pixels(_media.encode_png(image.transpose(2, 0, 1), "CHW")), squeezed)
        assert np.array_equal(_pixels(_media.encode_png(image.transpose(2, 0, 1).tolist(), "CHW")), squeezed)
    assert np.array_equal(_pixels(_media.encode_png(Image.fromarray(squeezed))), squeezed)


def test_floats_are_from_0_to_1_and_everything_else_is_cut() -> None:
    import torch

    values = [[-1.0, 0.0, 0.5, 1.0, 2.0, float("nan")]]
    wanted = [[0, 0, 128, 255, 255, 0]]
    for image in (values, np.array(values), torch.tensor(values, requires_grad=True)):
        assert _pixels(_media.encode_png(image, "HW")).tolist() == wanted
    assert _pixels(_media.encode_png(np.array([[-5, 300]]), "HW")).tolist() == [[0, 255]]
    assert _pixels(_media.encode_png(np.array([[True, False]]), "HW")).tolist() == [[255, 0]]
    for wrong in ([], [[]], [[[1] * 5]], [[1, 2], [3]], np.zeros((0, 4)), np.zeros(3)):
        with pytest.raises((ValueError, TypeError, IndexError)):
            _media.encode_png(wrong)


def test_summary_writer_writes_a_run(launch: Any, valid: Any) -> None:
    launch.code(SCRIPT, hook=False).wait()
    attempt = launch.attempt()
    assert attempt.series("train/loss") == {0: 1, 1: 0.5, 2: 1 / 3}
    assert attempt.series("lr/b") == {0: 0.2, 1: 0.2, 2: 0.2}
    # What could not be kept did not keep the script from going on.
    assert attempt.series("after") == {4: 1.0}
    assert attempt.params == {"lr": 0.1, "optim": "adamw", "summary": {"hparam/loss": 0.3}}
    for record in attempt.report:
        valid("report-record", record)
    artifacts = os.path.join(launch.run_dir, "artifacts")
    files = {os.path.relpath(os.path.join(folder, name), artifacts) for folder, _, names in os.walk(artifacts) for name in names}
    images = {"images/eval/sample/%012d.png" % step for step in range(3)} | {"images/batch/%d/000000000001.png" % i for i in range(2)}
    assert files == images | {"images/escape/000000000000.png", "texts/note.jsonl", "vectors/weights.jsonl", "vectors/many.jsonl"}
    assert Image.open(os.path.join(artifacts, "images/eval/sample/000000000002.png")).size == (2, 2)
    told = {record["path"]: record["metadata"] for record in attempt.of("artifact")}
    assert set(told) == files
    assert told["images/eval/sample/000000000002.png"]["step"] == 2
    with open(os.path.join(artifacts, "vectors/weights.jsonl")) as file:
        assert json.loads(file.read())["values"] == [0.5, "NaN", "Infinity"]
    with open(os.path.join(artifacts, "vectors/many.jsonl")) as file:
        histogram = json.loads(file.read())
    assert sum(histogram["counts"]) == 1000 and len(histogram["edges"]) == 65 and histogram["edges"][-1] == 999
    with open(os.path.join(artifacts, "texts/note.jsonl"), encoding="utf-8") as file:
        assert json.loads(file.read())["text"] == "h\u00e9llo"
