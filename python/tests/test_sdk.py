"""The SDK in real processes: standalone runs, every way a process can end, and what must never reach the training."""

import glob
import json
import math
import os
import re
import signal
import subprocess
import sys
import time

import pytest

from places import PYTHON
from reading import Attempt, read_metrics, strict_json


def only_run(store):
    (run_dir,) = glob.glob(os.path.join(store, "*", "runs", "*"))
    return run_dir


def text(*path):
    with open(os.path.join(*path), encoding="utf-8") as file:
        return file.read()


def load(*path):
    with open(os.path.join(*path), encoding="utf-8") as file:
        return strict_json(file.read())


def check_documents(run_dir, valid):
    """Every JSON file of a standalone run is what protocol/ says."""
    valid("run-record", load(run_dir, "run.json"))
    valid("resolved-spec", load(run_dir, "resolved.json"))
    attempt = os.path.join(run_dir, "attempts", "1")
    valid("attempt-record", load(attempt, "attempt.json"))
    valid("process-record", load(attempt, "process.json"))
    if os.path.exists(os.path.join(attempt, "exit.json")):
        valid("exit-record", load(attempt, "exit.json"))
    for record in Attempt(run_dir).report:
        valid("report-record", record)


def standalone(launch, source, *arguments, **options):
    store = os.path.join(launch.folder, "store")
    options.setdefault("env", {})["TRAINYARD_STORE"] = store
    process = launch.code(source, *arguments, hook=False, launched=False, **options)
    process.wait()
    return process, only_run(store)


def test_a_plain_script_makes_a_complete_run_folder(launch, valid):
    process, run_dir = standalone(
        launch,
        """
import trainyard
run = trainyard.init(project="My project!", name="first", params={"lr": 1e-3, "nested": {"nan": float("nan")}}, tags=["a"], seed=3, experiment="Learning rate")
assert trainyard.init() is run and trainyard.current() is run
for step in range(1, 101):
    trainyard.log({"loss": 1 / step}, step=step)
""",
        "--flag",
    )
    assert process.popen.returncode == 0 and process.output == ""
    check_documents(run_dir, valid)
    record = load(run_dir, "run.json")
    assert (record["project"], record["name"], record["seed"], record["origin"]) == ("My-project", "first", 3, "sdk")
    assert record["experiment"] == "Learning-rate" and 'experiment: "Learning-rate"' in text(run_dir, "spec.yaml")
    assert re.fullmatch(r"run_[0-9a-hjkmnp-tv-z]{17}", record["id"]) and os.path.basename(run_dir) == record["id"]
    attempt = Attempt(run_dir)
    assert attempt.series("loss") == {float(step): 1 / step for step in range(1, 101)}
    assert attempt.params == {"lr": 1e-3, "nested": {"nan": "NaN"}}
    assert (attempt.end["status"], attempt.end["step"]) == ("completed", 100)
    assert load(attempt.dir, "exit.json")["code"] == 0
    assert load(attempt.dir, "attempt.json")["command"][-1] == "--flag"
    assert "recipe:" in text(run_dir, "spec.yaml")
    assert open(os.path.join(launch.folder, "store", ".gitignore"), encoding="utf-8").read() == "*\n"


def test_the_process_is_identified_beyond_its_pid(launch):
    process, run_dir = standalone(launch, "import trainyard, os; trainyard.init(); print(open('/proc/self/stat').read().split()[21])")
    record = load(run_dir, "attempts", "1", "process.json")
    assert record["process"]["pid"] == process.popen.pid
    assert record["process"]["start_time"] == process.output.strip()
    assert record["process"]["boot_id"] == open("/proc/sys/kernel/random/boot_id").read().strip()


def test_git_state_and_patch_are_kept_without_credentials(launch, valid):
    def git(*arguments):
        identity = ["-c", "user.name=t", "-c", "user.email=t@example.com"]
        subprocess.run(["git", "-C", launch.folder] + identity + list(arguments), check=True, capture_output=True)

    git("init", "-q", "-b", "trunk")
    with open(os.path.join(launch.folder, "code.py"), "w") as file:
        file.write("a = 1\n")
    git("add", "code.py")
    git("commit", "-q", "-m", "one")
    git("remote", "add", "origin", "https://me:hunter2@example.com/r.git")
    with open(os.path.join(launch.folder, "code.py"), "w") as file:
        file.write("a = 2\n")
    _, run_dir = standalone(launch, "import trainyard; trainyard.init()")
    check_documents(run_dir, valid)
    snapshot = load(run_dir, "run.json")["git"]
    assert snapshot["branch"] == "trunk" and snapshot["dirty_files"] >= 1
    assert snapshot["remote"] == "https://example.com/r.git"
    assert "+a = 2" in open(os.path.join(run_dir, "git.patch")).read()


ENDINGS = {
    "return": ("run.log({'x': 1})", 0, "completed"),
    "finish": ("run.finish(); run.finish('failed'); run.log({'x': 2})", 0, "completed"),
    "exception": ("raise ValueError('bad batch')", 1, "failed"),
    "exit code": ("import sys; sys.exit(3)", 3, "failed"),
    "exit text": ("import sys; sys.exit('no data')", 1, "failed"),
    "exit 0": ("import sys; sys.exit(0)", 0, "completed"),
    "keyboard": ("raise KeyboardInterrupt", None, "cancelled"),
    "with": ("\nwith run: run.log({'x': 1})", 0, "completed"),
    "with exception": ("\nwith run: raise ValueError('bad batch')", 1, "failed"),
    "explicit": ("run.finish('cancelled', reason='enough')", 0, "cancelled"),
    "thread exception": ("import threading; t = threading.Thread(target=lambda: 1 / 0); t.start(); t.join()", 0, "completed"),
}


@pytest.mark.parametrize("name", ENDINGS)
def test_every_end_is_recorded(launch, valid, name):
    source, code, status = ENDINGS[name]
    process, run_dir = standalone(launch, "import trainyard\nrun = trainyard.init()\nrun.log({'x': 0}, step=7)\n" + source)
    if code is not None:
        assert process.popen.returncode == code, process.output
    check_documents(run_dir, valid)
    attempt = Attempt(run_dir)
    assert attempt.end["status"] == status
    assert attempt.end["step"] >= 7
    assert load(attempt.dir, "exit.json")["by"] == "sdk"
    if "exception" in name and status == "failed":
        error = attempt.end["error"]
        assert (error["type"], error["message"]) == ("ValueError", "bad batch")
        assert "Traceback" in error["traceback"] and "ValueError: bad batch" in process.output
        assert load(attempt.dir, "exit.json")["code"] == 1


def test_two_runs_in_one_process_and_the_environment_afterwards(launch):
    process = launch.code(
        """
import os, trainyard
first = trainyard.init(name="first", seed=10**30)
assert trainyard.init() is first and os.environ["TRAINYARD_RUN_DIR"] == first.dir
trainyard.log({"x": 1}, step=10**300); first.finish()
assert trainyard.current() is None and "TRAINYARD_RUN_DIR" not in os.environ
second = trainyard.init(name="second")
assert second is not first and second.id != first.id and os.path.dirname(second.dir) == os.path.dirname(first.dir)
trainyard.log({"x": 2})
""",
        hook=False,
        launched=False,
        env={"TRAINYARD_STORE": os.path.join(launch.folder, "store")},
    )
    assert process.wait() == 0, process.output
    runs = glob.glob(os.path.join(launch.folder, "store", "*", "runs", "*"))
    values = {load(run, "run.json")["name"]: Attempt(run).points[0].values["x"] for run in runs}
    assert values == {"first": 1.0, "second": 2.0}
    assert all(Attempt(run).end["status"] == "completed" for run in runs)


def test_an_existing_excepthook_is_still_called(launch):
    process, run_dir = standalone(
        launch,
        """
import sys
sys.excepthook = lambda kind, error, trace: print("mine saw", error)
import trainyard
trainyard.init()
raise RuntimeError("it")
""",
    )
    assert "mine saw it" in process.output
    assert Attempt(run_dir).end["status"] == "failed"


def test_kill_9_costs_at_most_the_last_moment(launch):
    process = launch.code(
        """
import time, trainyard
run = trainyard.init()
step = 0
while True:
    step += 1
    run.log({"loss": 1 / step, "acc": step}, step=step)
    print(step)
    time.sleep(0.001)
""",
        hook=False,
    )
    process.until(lambda: process.output.count("\n") > 500)
    os.kill(process.popen.pid, signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    printed = int(process.output.rstrip("\n").rpartition("\n")[2])
    steps = [point.step for point in read_metrics(os.path.join(launch.attempt().dir, "metrics.bin"), torn_tail=True)]
    assert steps == list(range(1, len(steps) + 1))
    # About 1000 rows a second and a drain every 50 ms, on a machine that does other things too.
    assert printed - len(steps) < 400
    assert not launch.attempt().of("end")
    # The next process of the attempt goes on in the same file.
    launch.code("import trainyard; trainyard.init().log({'loss': 0.5, 'acc': 1})", hook=False).wait()
    assert launch.attempt().points[-1].step == len(steps) + 1


def test_values_of_all_kinds(launch, valid):
    process, run_dir = standalone(
        launch,
        """
import decimal, fractions, trainyard
import numpy as np, torch
run = trainyard.init()
run.log({"int": 3, "bool": True, "nan": float("nan"), "inf": float("-inf"), "big": 10**30})
run.log({"np32": np.float32(0.1), "np64": np.float64(0.1), "npi": np.int64(7), "npb": np.bool_(True), "np0": np.array(2.5), "np1": np.ones(1)})
run.log({"t0": torch.tensor(0.25), "t1": torch.ones(1), "grad": torch.tensor(1.5, requires_grad=True), "bf16": torch.tensor(0.5, dtype=torch.bfloat16)})
run.log({"train": {"loss": 0.5, "deep": {"er": 1}}, 5: 1.0, "dec": decimal.Decimal("0.5"), "frac": fractions.Fraction(1, 4)})
run.log({"text": "1.5", "none": None, "list": [1], "many": torch.ones(3), "complex": 1j, "huge": 10**400, "good": 1})
run.log("not a dict"); run.log(None); run.log({"x": 1}, step="seven"); run.log({"x": 1}, step=float("nan")); run.log({})
run.log([("pair", 1.0)])
run.log({"late": 1.0}, step=np.int64(50))
run.log({"after": 1.0})
run.log_scalar("scalar", 2)
total = torch.tensor(0.0)
for i in range(5):
    total += 1
    run.log({"total": total}, step=100 + i)
class Angry(dict):
    def copy(self): raise RuntimeError("no")
run.log(Angry(x=1)); run.log_params(3); run.log_params({"o": object(), "s": {1}}); run.log_artifact("/no/such/file"); run.plan(max_steps="many")
run.heartbeat("x"); run.log_checkpoint(None, None); run.finish("nonsense")
""",
    )
    assert process.popen.returncode == 0, process.output
    check_documents(run_dir, valid)
    merged = {}
    for point in Attempt(run_dir).points:
        for name, value in point.values.items():
            merged[name] = (point.step, value)
    import numpy

    def value(name):
        return merged[name][1]

    assert (value("int"), value("bool"), value("inf"), value("big")) == (3, 1, -math.inf, 1e30) and math.isnan(value("nan"))
    assert (value("np32"), value("np64"), value("npi"), value("npb"), value("np0"), value("np1")) == (float(numpy.float32(0.1)), 0.1, 7, 1, 2.5, 1)
    assert (value("t0"), value("t1"), value("grad"), value("bf16")) == (0.25, 1, 1.5, 0.5)
    assert (value("train/loss"), value("train/deep/er"), value("5"), value("dec"), value("frac")) == (0.5, 1, 1, 0.5, 0.25)
    assert value("good") == 1 and value("pair") == 1
    assert not {"text", "none", "list", "many", "complex", "huge"} & set(merged)
    assert merged["int"][0] == 1 and merged["late"][0] == 50 and merged["after"][0] == 51
    # A tensor that changes in place is read when it is logged.
    assert Attempt(run_dir).series("total") == {100.0 + i: 1.0 + i for i in range(5)}
    assert sum(record["count"] for record in Attempt(run_dir).of("dropped")) >= 6 + 4
    assert process.output.count("log() records numbers only") == 1
    assert "Traceback" not in process.output


def test_the_dict_may_be_used_again(launch):
    _, run_dir = standalone(
        launch,
        """
import trainyard
run, row = trainyard.init(), {}
for step in range(1, 20001):
    row["loss"] = float(step)
    run.log(row, step)
""",
    )
    assert Attempt(run_dir).series("loss") == {float(step): float(step) for step in range(1, 20001)}


def test_a_flood_is_kept_or_counted_and_many_threads_lose_nothing(launch):
    _, run_dir = standalone(
        launch,
        """
import threading, trainyard
run = trainyard.init()
def work(name):
    for step in range(1, 50001): run.log({name: step}, step)
threads = [threading.Thread(target=work, args=("n%d" % i,)) for i in range(4)]
for thread in threads: thread.start()
for thread in threads: thread.join()
""",
    )
    logged = [(name, point.step) for point in Attempt(run_dir).points for name in point.values if not name.startswith("_")]
    assert sorted(logged) == [("n%d" % index, step) for index in range(4) for step in range(1, 50_001)]


def test_rows_beyond_the_bound_are_dropped_and_counted(launch):
    _, run_dir = standalone(
        launch,
        """
import trainyard
from trainyard import _hot
_hot.SOFT_LIMIT = 1000
run = trainyard.init()
with run._drain._work:
    for step in range(1, 5001): run.log({"x": step}, step)
run.flush()
""",
    )
    attempt = Attempt(run_dir)
    assert list(attempt.series("x")) == list(range(4001, 5001))
    assert [(record["count"], record["type"]) for record in attempt.of("dropped")] == [(4000, "dropped")]


def test_a_forked_child_does_not_write(launch):
    process, run_dir = standalone(
        launch,
        """
import os, sys, trainyard
run = trainyard.init()
run.log({"parent": 1}, 1)
pid = os.fork()
if pid == 0:
    run.log({"child": 1}, 1); trainyard.log({"child": 1}); run.message("info", "child")
    other = trainyard.init(); other.log({"child": 2}); other.finish()
    sys.exit(5)
os.waitpid(pid, 0)
run.log({"parent": 2}, 2)
""",
    )
    attempt = Attempt(run_dir)
    assert attempt.names() == ["parent"] and len(attempt.series("parent")) == 2
    assert attempt.end["status"] == "completed" and not attempt.of("message")
    assert process.output == ""


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_dataloader_workers_do_not_write(launch, method):
    process, run_dir = standalone(
        launch,
        """
import sys, multiprocessing, trainyard
run = trainyard.init()   # a spawned worker runs this line again
def work(i):
    trainyard.log({"worker": i})
    return i
if __name__ == "__main__":
    with multiprocessing.get_context(sys.argv[1]).Pool(2) as pool:
        assert pool.map(work, range(4)) == [0, 1, 2, 3]
    run.log({"main": 1})
""",
        method,
    )
    assert process.popen.returncode == 0, process.output
    attempt = Attempt(run_dir)
    assert attempt.names() == ["main"] and len(attempt.of("hello")) == 1
    assert attempt.end["status"] == "completed"


@pytest.mark.parametrize("env", [{"RANK": "1"}, {"LOCAL_RANK": "2"}, {"SLURM_PROCID": "1", "SLURM_NTASKS": "2", "SLURM_STEP_ID": "0"}])
def test_other_ranks_are_silent_but_hear_a_stop(launch, env):
    process = launch.code(
        """
import time, trainyard
with trainyard.init() as run:
    run.log({"x": 1})
    print("ready")
    while not run.should_stop(): time.sleep(0.01)
""",
        hook=False,
        env=env,
    )
    process.until(lambda: "ready" in process.output)
    launch.ask_to_stop()
    assert process.wait(10) == 0, process.output
    assert os.listdir(launch.attempt().dir) == ["stop.json"]


def test_without_a_run_nothing_breaks(launch):
    process = launch.code(
        """
import trainyard
trainyard.log({"x": 1}); trainyard.log_params({"a": 1}); trainyard.log_artifact("x"); trainyard.finish()
assert trainyard.should_stop() is False and trainyard.current() is None
print("alive")
""",
        hook=False,
        launched=False,
    )
    assert process.wait() == 0 and "alive" in process.output
    assert "without a run" in process.output and not glob.glob(os.path.join(launch.folder, ".trainyard"))


def test_a_launched_script_need_not_call_init(launch):
    launch.code("from trainyard import log; log({'x': 1}); log({'x': 2})", hook=False).wait()
    assert launch.attempt().series("x") == {1.0: 1.0, 2.0: 2.0}
    assert launch.attempt().end["status"] == "completed"


def test_a_store_that_cannot_be_written_does_not_stop_the_script(launch):
    blocked = os.path.join(launch.folder, "file")
    open(blocked, "w").close()
    process = launch.code(
        "import trainyard\nrun = trainyard.init(store=%r)\nrun.log({'x': 1}); run.log_params({}); run.finish(); print('alive')" % blocked,
        hook=False,
        launched=False,
    )
    assert process.wait() == 0 and "alive" in process.output and "not recorded" in process.output


def test_stop_json_is_heard_and_ends_as_cancelled(launch, valid):
    process = launch.code(
        """
import itertools, time, trainyard
run = trainyard.init()
run.plan(max_steps=100000)
for step in itertools.count(1):
    run.log({"x": step}, step)
    if run.should_stop(): break
    time.sleep(0.01)
""",
        hook=False,
    )
    process.until(lambda: bool(launch.attempt().of("framework")) if os.path.exists(launch.attempt().dir + "/report.jsonl") else False)
    launch.ask_to_stop()
    assert process.wait(10) == 0
    attempt = launch.attempt()
    assert attempt.of("framework")[0]["graceful_stop"] is True
    assert attempt.end["status"] == "cancelled" and attempt.end["step"] == len(attempt.series("x"))
    for record in attempt.report:
        valid("report-record", record)


def test_a_plan_that_was_not_reached_is_no_completion(launch):
    launch.code("import trainyard; run = trainyard.init(); run.plan(max_steps=10); run.log({'x': 1}, 3)", hook=False).wait()
    assert launch.attempt().of("end") == [] and launch.attempt().of("message")[0]["level"] == "warning"


SIGTERM = """
import signal, time, trainyard
run = trainyard.init()
{setup}
print("ready")
while not run.stop_requested(): time.sleep(0.01)
print("stopped")
"""


def test_sigterm_asks_a_graceful_script_to_stop_and_kills_any_other(launch):
    graceful = launch.code(SIGTERM.format(setup="run.should_stop()"), hook=False)
    graceful.until(lambda: "ready" in graceful.output)
    graceful.popen.terminate()
    assert graceful.wait(10) == 0 and "stopped" in graceful.output
    plain = launch.code(SIGTERM.format(setup=""), hook=False, attempt=2)
    plain.until(lambda: graceful.output.count("ready") == 2)
    plain.popen.terminate()
    assert plain.wait(10) == -signal.SIGTERM
    own = launch.code(SIGTERM.format(setup="signal.signal(signal.SIGTERM, lambda *a: exit(9)); run.should_stop()"), hook=False, attempt=3)
    own.until(lambda: graceful.output.count("ready") == 3)
    own.popen.terminate()
    assert own.wait(10) == 9


def test_artifacts_are_copied_or_referenced_and_stay_in_their_folder(launch, valid):
    _, run_dir = standalone(
        launch,
        """
import os, trainyard
from trainyard import _artifacts
run = trainyard.init()
open("small.txt", "w").write("hello")
os.makedirs("folder/inner"); open("folder/inner/a", "w").write("a")
run.log_artifact("small.txt", kind="config")
open("small.txt", "w").write("overwritten")
run.log_artifact("folder", name="../../../escape", kind="model")
run.log_artifact("folder", name="../../../escape", kind="model")
_artifacts.INLINE_BYTES = 3
open("middle.bin", "wb").write(bytes(5000)); run.log_artifact("middle.bin", name="deep/middle.bin")
_artifacts.COPY_BYTES = 4
open("large.bin", "wb").write(bytes(10)); run.log_artifact("large.bin", kind="nonsense")
""",
    )
    check_documents(run_dir, valid)
    folder = os.path.join(run_dir, "artifacts")
    assert open(os.path.join(folder, "small.txt")).read() == "hello"
    assert open(os.path.join(folder, "escape", "inner", "a")).read() == "a"
    assert os.path.getsize(os.path.join(folder, "deep", "middle.bin")) == 5000
    records = {record["path"]: record for record in Attempt(run_dir).of("artifact")}
    assert records["small.txt"]["kind"] == "config"
    assert records[os.path.join(launch.folder, "large.bin")]["kind"] == "other"
    assert sorted(os.listdir(folder)) == ["deep", "escape", "small.txt"]


def test_secrets_do_not_reach_the_report():
    from trainyard._json import is_secret

    secret = ["hub_token", "hf_token", "token", "api_key", "OPENAI_API_KEY", "password", "db.password", "aws_secret_access_key", "access-key"]
    harmless = ["eos_token", "max_tokens", "tokenizer", "num_tokens", "pad_token_id", "keys", "monkey", "passes", "key_dim"]
    assert [name for name in secret if not is_secret(name)] == []
    assert [name for name in harmless if is_secret(name)] == []


def test_a_full_disk_neither_stops_the_script_nor_tears_a_file(launch, valid):
    if os.geteuid() != 0:
        pytest.skip("a full disk needs a mount of its own, which needs root: NOT TESTED here")
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", launch.run_dir], check=True)
    try:
        process = launch.code(
            """
import os, time, trainyard
run = trainyard.init()
run.log({"x": 0}, 1); run.flush()
ballast = os.path.join(run.dir, "ballast")
file = open(ballast, "wb", buffering=0)
try:
    while file.write(bytes(1024)): pass
except OSError: pass
for step in range(2, 20001): run.log({"x": step}, step)
run.flush()
run.message("info", "in the middle " * 100)
print("still here")
time.sleep(0.3)
os.unlink(ballast)
file.close()
for step in range(20001, 20011): run.log({"x": step}, step)
""",
            hook=False,
        )
        assert process.wait(60) == 0, process.output
        attempt = launch.attempt()
        points = attempt.points
        dropped = sum(record["count"] for record in attempt.of("dropped"))
        assert "still here" in process.output and "disk is full" in process.output
        assert len(points) + dropped == 20_010 and points[0].step == 1
        for record in attempt.report:
            valid("report-record", record)
    finally:
        launch.close()
        subprocess.run(["umount", "-l", launch.run_dir], check=True)


@pytest.mark.parametrize("says_more", [True, False])
def test_a_script_whose_own_output_finds_no_room_goes_on(launch, says_more):
    if os.geteuid() != 0:
        pytest.skip("a full disk needs a mount of its own, which needs root: NOT TESTED here")
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", launch.run_dir], check=True)
    try:
        folder = os.path.join(launch.run_dir, "attempts", "1")
        os.makedirs(folder)
        script = """
import os, sys, trainyard
run = trainyard.init()
print("before")
ballast = os.path.join(run.dir, "ballast")
file = open(ballast, "wb", buffering=0)
try:
    while file.write(bytes(1024)): pass
except OSError: pass
for step in range(2000): print("line", step); sys.stderr.write("error %%d\\n" %% step)
os.unlink(ballast); file.close()
if %r:
    print("after")
    sys.stderr.write("after too\\n")
""" % says_more
        environment = dict(
            os.environ,
            PYTHONPATH=os.path.join(os.path.dirname(__file__), ".."),
            PYTHONUNBUFFERED="1",
            TRAINYARD_RUN_DIR=launch.run_dir,
            TRAINYARD_ATTEMPT="1",
        )
        path = os.path.join(folder, "log")
        with open(path, "ab") as log:
            done = subprocess.run([sys.executable, "-c", script], stdout=log, stderr=log, env=environment, timeout=60)
        with open(path, "rb") as log:
            output = log.read().decode()
        assert done.returncode == 0, output
        assert output.startswith("before\nline 0\nerror 0\n")
        # A stream that has nothing more to say tells at the end of the process what it lost.
        assert ("\nafter\n" in output and output.endswith("\nafter too\n")) if says_more else output.endswith("the disk was full]\n")
        missing = re.search(r"\n\[trainyard: (\d+) bytes of output are missing here: the disk was full\]\n", output)
        assert missing and int(missing.group(1)) > 1000
    finally:
        subprocess.run(["umount", "-l", launch.run_dir], check=True)


def test_log_from_a_signal_handler_does_not_block(launch):
    process, run_dir = standalone(
        launch,
        """
import signal, time, trainyard
run = trainyard.init()
def handler(*_):
    run.log({"signal": 1}); run.message("info", "in a handler")
signal.signal(signal.SIGALRM, handler)
signal.setitimer(signal.ITIMER_REAL, 0.001, 0.001)
end = time.monotonic() + 0.5
while time.monotonic() < end:
    run.message("info", "outside"); run.log({"main": 1})
signal.setitimer(signal.ITIMER_REAL, 0)
""",
    )
    assert process.popen.returncode == 0, process.output
    assert Attempt(run_dir).end["status"] == "completed"
    assert {record["text"] for record in Attempt(run_dir).of("message")} == {"outside", "in a handler"}


def test_it_is_importable_with_the_standard_library_alone_and_quickly():
    started = time.monotonic()
    code = "import sys, trainyard; bad = {'torch', 'numpy', 'transformers', 'subprocess'} & set(sys.modules); assert not bad, bad"
    # -S: no site-packages at all.
    subprocess.run([sys.executable, "-S", "-c", code], env={"PYTHONPATH": PYTHON}, check=True)
    assert time.monotonic() - started < 5


def test_versions_agree():
    with open(os.path.join(os.path.dirname(PYTHON), "package.json"), encoding="utf-8") as file:
        from trainyard import __version__

        assert json.load(file)["version"] == __version__


def test_the_syntax_is_that_of_python_3_9():
    import ast

    for path in glob.glob(os.path.join(PYTHON, "trainyard", "**", "*.py"), recursive=True):
        with open(path, encoding="utf-8") as file:
            ast.parse(file.read(), path, feature_version=(3, 9))
