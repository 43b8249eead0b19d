"""The metric file: what is written is read back, whatever is logged and wherever a writer was cut off."""

import math
import os
import random
import struct

import pytest

from reading import Torn, read_metrics
from trainyard._metric_file import MAX_SETS, MetricFile, NotOurs, Occupied

ODD = [0.0, -0.0, 1e-308, 1.7976931348623157e308, math.inf, -math.inf, math.nan, 0.1, 2.0**53, -1.5]


def random_name(random_source):
    alphabet = "abcxyz/_. äλ損失🚂\u0000\ud800"
    return "".join(random_source.choice(alphabet) for _ in range(random_source.randint(1, 12)))


def as_read(name):
    return name.encode("utf-8", "replace").decode("utf-8")


def same(a, b):
    return struct.pack("<d", a) == struct.pack("<d", b) or (math.isnan(a) and math.isnan(b))


@pytest.mark.parametrize("seed", range(20))
def test_rows_come_back_as_they_were(tmp_path, seed):
    source = random.Random(seed)
    path = str(tmp_path / "metrics.bin")
    file = MetricFile(path)
    expected = []
    for index in range(source.randint(1, 300)):
        names = tuple(dict.fromkeys(random_name(source) for _ in range(source.randint(1, 6))))
        values = [source.choice(ODD) if source.random() < 0.5 else source.uniform(-1e6, 1e6) for _ in names]
        step = float(source.randint(-5, 10**12))
        file.add(index * 1.5, step, names, values)
        expected.append((index * 1.5, step, {as_read(name): value for name, value in zip(names, values)}))
        if source.random() < 0.1:
            assert file.flush()
        if source.random() < 0.05:
            file.flush()
            file.close()
            file = MetricFile(path)
    assert file.flush()
    file.close()
    found = read_metrics(path)
    assert len(found) == len(expected)
    for point, (time, step, values) in zip(found, expected):
        assert (point.time, point.step) == (time, step)
        assert set(point.values) == set(values)
        assert all(same(point.values[name], value) for name, value in values.items())


def write(path, rows):
    file = MetricFile(path)
    for row in rows:
        file.add(0.0, float(row), ("loss", "acc"), (row / 2, -row))
    file.flush()
    file.close()


def test_a_file_cut_anywhere_goes_on_at_its_last_whole_record(tmp_path):
    whole = str(tmp_path / "whole.bin")
    write(whole, range(5))
    with open(whole, "rb") as file:
        data = file.read()
    for cut in range(len(data) + 1):
        path = str(tmp_path / "cut.bin")
        with open(path, "wb") as file:
            file.write(data[:cut])
        before = [point.step for point in read_metrics(path, torn_tail=True)] if cut >= 16 else []
        write(path, [100, 101])
        assert [point.step for point in read_metrics(path)] == before + [100.0, 101.0], cut


def test_zeros_at_the_end_after_a_power_cut_are_cut_off(tmp_path):
    path = str(tmp_path / "metrics.bin")
    write(path, range(3))
    with open(path, "ab") as file:
        file.write(bytes(4096))
    write(path, [7])
    assert [point.step for point in read_metrics(path)] == [0, 1, 2, 7]


def test_sets_are_used_again_when_a_file_is_reopened(tmp_path):
    path = str(tmp_path / "metrics.bin")
    write(path, [1])
    size = os.path.getsize(path)
    write(path, [2])
    assert os.path.getsize(path) == size + 24 + 16


def test_a_set_larger_than_what_is_read_at_once(tmp_path):
    path = str(tmp_path / "metrics.bin")
    names = tuple("n%06d" % index + "x" * 100 for index in range(50_000))
    file = MetricFile(path)
    file.add(0.0, 1.0, names, [1.0] * len(names))
    file.flush()
    file.close()
    write(path, [2])
    assert [point.step for point in read_metrics(path)] == [1, 2]


def test_a_foreign_file_is_left_alone(tmp_path):
    path = tmp_path / "metrics.bin"
    for content in (b"something else entirely", b"TYMETRIC" + struct.pack("<II", 2, 0), b"no"):
        path.write_bytes(content)
        with pytest.raises(NotOurs):
            MetricFile(str(path))
        assert path.read_bytes() == content


def test_one_writer_at_a_time(tmp_path):
    path = str(tmp_path / "metrics.bin")
    first = MetricFile(path)
    with pytest.raises(Occupied):
        MetricFile(path)
    first.close()
    MetricFile(path).close()


def test_when_all_sets_are_taken_single_names_go_on_and_the_rest_is_counted(tmp_path):
    path = str(tmp_path / "metrics.bin")
    file = MetricFile(path)
    file.add(0.0, 1.0, ("loss",), (1.0,))
    for index in range(MAX_SETS):
        file.add(0.0, 1.0, ("n%d" % index,), (0.0,))
    file.add(0.0, 2.0, ("loss", "never seen"), (0.5, 0.5))
    file.flush()
    assert file.take_dropped() == 2
    file.close()
    assert read_metrics(path)[-1][1:] == (2.0, {"loss": 0.5})


def test_the_reference_reader_does_refuse(tmp_path):
    path = str(tmp_path / "metrics.bin")
    write(path, range(3))
    with open(path, "r+b") as file:
        file.truncate(os.path.getsize(path) - 4)
    with pytest.raises(Torn):
        read_metrics(path)


@pytest.fixture
def small_disk(tmp_path):
    """A filesystem of 256 KiB."""
    import ctypes

    if os.geteuid() != 0:
        pytest.skip("a full disk needs a mount of its own, which needs root: NOT TESTED here")
    folder = tmp_path / "disk"
    folder.mkdir()
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.mount(b"tmpfs", str(folder).encode(), b"tmpfs", 0, b"size=256k") != 0:
        pytest.skip("tmpfs cannot be mounted (%s): a full disk is NOT TESTED here" % os.strerror(ctypes.get_errno()))
    yield folder
    libc.umount2(str(folder).encode(), 2)


def test_a_full_disk_leaves_whole_records_and_goes_on_when_there_is_room(small_disk):
    path = str(small_disk / "metrics.bin")
    ballast = small_disk / "ballast"
    file = MetricFile(path)
    ballast.write_bytes(bytes(200 * 1024))
    steps = 0
    while file.flush():
        for _ in range(100):
            steps += 1
            file.add(0.0, float(steps), ("loss",), (1.0 / steps,))
        assert steps < 100_000
    assert file.problem is not None
    assert len(read_metrics(path)) < steps
    assert file.waiting > 0
    ballast.unlink()
    assert file.flush()
    file.close()
    assert [point.step for point in read_metrics(path)] == list(range(1, steps + 1))


def test_what_waits_for_a_full_disk_is_bounded_and_counted(small_disk, monkeypatch):
    monkeypatch.setattr("trainyard._metric_file.BACKLOG_BYTES", 10_000)
    path = str(small_disk / "metrics.bin")
    file = MetricFile(path)
    file.flush()
    ballast = small_disk / "ballast"
    with open(ballast, "wb", buffering=0) as filler:
        try:
            while filler.write(bytes(4096)):
                pass
        except OSError:
            pass
    for step in range(1, 5001):
        # A new set now and then: rows that are kept must stay readable when the batch that defined their set is dropped.
        file.add(0.0, float(step), ("loss", "n%d" % (step % 7)), (1.0, 2.0))
        if step % 10 == 0:
            file.flush()
    ballast.unlink()
    assert file.flush()
    dropped = file.take_dropped()
    file.close()
    points = read_metrics(path)
    assert dropped > 0 and len(points) + dropped == 5000
    assert points[-1].step == 5000
