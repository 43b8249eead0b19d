"""A look at a dataset: its shape, its rows, what does not fit, without reading all of a large file."""

import json
import os
import time
from pathlib import Path
from typing import Any, Dict, List, Optional

import pytest
from recipe_runs import recipes, write_jsonl
from trainyard.adapters.dataset_preview import preview_request
from trainyard.adapters.rows import DatasetError, read_rows

PAIR = {"prompt": "2+2=", "completion": "4"}
CHAT = [{"role": "user", "content": "hi"}, {"role": "assistant", "content": "hello"}]


def look(folder: Path, file: str, recipe: str = "trl-sft", rows: int = 20, **params: Any) -> Dict[str, Any]:
    return ask({"recipe": recipe, "params": {"train_file": file, **params}, "base_dir": str(folder), "split": "train", "rows": rows})


def ask(request: Dict[str, Any]) -> Dict[str, Any]:
    answer: Dict[str, Any] = json.loads(json.dumps(preview_request(request), allow_nan=False))
    return answer


def messages_of(answer: Dict[str, Any]) -> List[str]:
    return [problem["message"] for problem in answer["problems"]]


@pytest.mark.parametrize(
    ("row", "shape", "recipe", "usable"),
    [
        ({"text": "a"}, "text", "trl-sft", True),
        (PAIR, "prompt_completion", "trl-sft", True),
        ({"messages": CHAT}, "messages", "hf-lora", True),
        ({"conversations": [{"from": "human", "value": "a"}, {"from": "gpt", "value": "b"}]}, "sharegpt", "hf-lora", True),
        ({"instruction": "add", "input": "1 1", "output": "2"}, "alpaca", "hf-causal-lm", True),
        ({"prompt": "a", "chosen": "b", "rejected": "c"}, "preference", "trl-dpo", True),
        ({"prompt": "a", "chosen": "b", "rejected": "c"}, "preference", "trl-sft", False),
        ({"prompt": "a"}, "prompt_only", "trl-sft", False),
        (PAIR, "prompt_completion", "trl-dpo", False),
        ({"a": 1}, None, "trl-sft", None),
    ],
)
def test_recognises_the_shapes(tmp_path: Path, valid: Any, row: Dict[str, Any], shape: Optional[str], recipe: str, usable: Optional[bool]) -> None:
    write_jsonl(tmp_path / "rows.jsonl", [row] * 3)
    answer = look(tmp_path, "rows.jsonl", recipe)
    valid("dataset-preview", answer)
    assert (answer["shape"], answer["usable"]) == (shape, usable)
    assert answer["row_count"] == {"value": 3, "exact": True}
    assert [shown["value"] for shown in answer["head"]] == [row] * 3
    assert (answer["problems"] == []) == bool(usable)


@pytest.mark.parametrize("name", ["rows.json", "rows.csv", "rows.tsv", "rows.parquet", "rows.jsonl", "rows.txt"])
def test_reads_every_format(tmp_path: Path, valid: Any, name: str) -> None:
    path = tmp_path / name
    if name.endswith(".json"):
        path.write_text("[\n" + json.dumps(PAIR) + ",\n" + json.dumps(PAIR) + "\n]")
    elif name.endswith("sv"):
        path.write_text("prompt,completion\n2+2=,4\n\"2\n2\",4\n".replace(",", "\t" if name.endswith("tsv") else ","))
    elif name.endswith(".parquet"):
        import pyarrow
        import pyarrow.parquet

        pyarrow.parquet.write_table(pyarrow.Table.from_pylist([PAIR, PAIR]), path)
    elif name.endswith(".txt"):
        path.write_text("one\n\ntwo\n")
    else:
        path.write_text("\ufeff" + json.dumps(PAIR) + "\n" + json.dumps(PAIR))
    answer = look(tmp_path, name)
    valid("dataset-preview", answer)
    assert answer["problems"] == []
    assert answer["row_count"] == {"value": 2, "exact": True}
    assert answer["shape"] == ("text" if name.endswith(".txt") else "prompt_completion")
    lines = {"rows.json": [2, 3], "rows.csv": [2, 3], "rows.tsv": [2, 3], "rows.jsonl": [1, 2], "rows.txt": [1, 3], "rows.parquet": [None, None]}
    assert [row["line"] for row in answer["head"]] == lines[name]


def test_names_the_line_of_each_row_that_does_not_fit(tmp_path: Path) -> None:
    lines = [json.dumps(PAIR) for _ in range(10)]
    lines[3] = ""
    lines[4] = '{"prompt": "a", '
    lines[6] = json.dumps({"prompt": "a", "completion": ["b"]})
    lines[8] = json.dumps({"messages": CHAT})
    (tmp_path / "rows.jsonl").write_text("\n".join(lines))
    answer = look(tmp_path, "rows.jsonl")
    problems = messages_of(answer)
    assert "line 5: not JSON" in problems[0]
    assert "line 7: column 'completion' must be text" in problems[1]
    assert "line 9: lacks column" in problems[2] and "looks like messages" in problems[2]
    assert [row["line"] for row in answer["head"] if row["problem"]] == [5, 7, 9]


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("empty.jsonl", b"", "holds no rows"),
        ("blank.csv", b"\n\n", "holds no rows"),
        ("header.csv", b"prompt,completion\n", "holds no rows"),
        ("noise.jsonl", os.urandom(4096) + b"\0", "binary data"),
        ("wide.jsonl", '{"text": "a"}\n'.encode("utf-16"), "UTF-16"),
        ("noise.csv", b"\x80\x81\xff" * 50, "not UTF-8"),
        ("noise.parquet", b"PAR1" + os.urandom(500), "not a readable Parquet file"),
        ("open.json", b'[{"prompt": "a", "completion": "b"},', "closing bracket"),
        ("bad.json", b'[{"prompt": "a", "completion": "b"},\n{,}]', "line 2: not JSON"),
        ("list.jsonl", b"[1]\n", "must be an object"),
        ("rows.pickle", b"x", "names no format"),
    ],
)
def test_explains_what_cannot_be_read(tmp_path: Path, valid: Any, name: str, content: bytes, words: str) -> None:
    (tmp_path / name).write_bytes(content)
    answer = look(tmp_path, name)
    valid("dataset-preview", answer)
    assert words in " ".join(messages_of(answer)), answer


def test_a_missing_file_and_a_document_without_one(tmp_path: Path) -> None:
    assert "does not exist" in messages_of(look(tmp_path, "gone.jsonl"))[0]
    (tmp_path / "folder.jsonl").mkdir()
    assert "is a folder" in messages_of(look(tmp_path, "folder.jsonl"))[0]
    request = {"recipe": "trl-sft", "params": {}, "base_dir": str(tmp_path), "split": "eval", "rows": 5}
    done = recipes("preview", stdin=json.dumps(request))  # as the server asks
    assert done.returncode == 65 and "names no file in eval_file" in done.stderr


def test_columns_of_other_names(tmp_path: Path) -> None:
    write_jsonl(tmp_path / "rows.jsonl", [{"question": "a", "answer": "b"}] * 2)
    assert look(tmp_path, "rows.jsonl")["shape"] is None
    answer = look(tmp_path, "rows.jsonl", prompt_column="question", completion_column="answer")
    assert answer["shape"] == "prompt_completion" and answer["problems"] == []
    wrong = look(tmp_path, "rows.jsonl", prompt_column="question", completion_column="answer", data_format="messages")
    assert wrong["problems"][0]["fixes"] == [{"path": "params.data_format", "value": "auto", "label": "Set data_format to auto"}]


def test_two_gigabytes_are_looked_at_at_once(tmp_path: Path) -> None:
    row = (json.dumps({"prompt": "p" * 100, "completion": "c" * 100}) + "\n").encode()
    path = tmp_path / "large.jsonl"
    with path.open("wb") as file:
        file.write(row * 30_000)
        # A hole: the file system keeps nothing of it, a reader sees two gigabytes.
        file.seek(2 * 1024**3)
        file.write(b"\n" + row * 10)
    started = time.monotonic()
    answer = look(tmp_path, "large.jsonl")
    assert time.monotonic() - started < 5
    assert answer["size_bytes"] > 2 * 1024**3 and answer["row_count"]["exact"] is False
    assert answer["row_count"]["value"] == pytest.approx(path.stat().st_size / len(row), rel=0.05)


def test_a_file_that_was_filled_up_shows_the_rows_before_that(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    write_jsonl(path, [PAIR] * 3)
    end = path.stat().st_size
    with path.open("r+b") as file:
        file.truncate(2 * 1024**3)
    answer = look(tmp_path, "rows.jsonl")
    assert "a zero byte at {}".format(end) in messages_of(answer)[0]
    assert [row["value"] for row in answer["head"]] == [PAIR] * 3 and answer["row_count"] is None


def test_a_check_reads_no_line_without_end(tmp_path: Path) -> None:
    for name, words in (("rows.jsonl", "line 4 is longer than 64 MiB"), ("rows.csv", "line 4 is longer than 64 MiB"), ("rows.txt", "longer than 64 MiB")):
        (tmp_path / name).write_text("prompt,completion\na,b\na,b\n" if name.endswith(".csv") else (json.dumps(PAIR) + "\n") * 3)
        with (tmp_path / name).open("r+b") as file:
            file.truncate(2 * 1024**3)
        with pytest.raises(DatasetError, match=words):
            list(read_rows(tmp_path / name))
    (tmp_path / "rows.json").write_text("[" + json.dumps(PAIR))
    with (tmp_path / "rows.json").open("r+b") as file:
        file.truncate(2 * 1024**3)
    with pytest.raises(DatasetError, match="can only be read whole"):
        next(read_rows(tmp_path / "rows.json"))


def test_finds_bad_rows_far_into_a_large_file(tmp_path: Path) -> None:
    good, bad = json.dumps(PAIR) + "\n", json.dumps({"text": "a"}) + "\n"
    (tmp_path / "large.jsonl").write_text(good * 150_000 + bad * 150_000)
    answer = look(tmp_path, "large.jsonl")
    assert answer["shape"] == "prompt_completion"
    assert any("a row further in: lacks column" in message for message in messages_of(answer))


def test_an_enormous_row_is_cut_and_one_beyond_the_head_is_said(tmp_path: Path) -> None:
    write_jsonl(tmp_path / "wide.jsonl", [{"text": "x" * 1_000_000}] * 2)
    answer = look(tmp_path, "wide.jsonl")
    assert answer["head"][0]["cut"] is True and len(answer["head"][0]["value"]["text"]) == 2000
    write_jsonl(tmp_path / "endless.jsonl", [{"text": "x" * 10_000_000}] * 2)
    assert "a first row of more than 4 MiB" in messages_of(look(tmp_path, "endless.jsonl"))[0]


def test_lone_surrogates_and_odd_numbers_can_be_sent_on(tmp_path: Path) -> None:
    (tmp_path / "rows.jsonl").write_text('{"text": "a\\ud800b", "score": NaN, "big": 1e999}\n')
    row = look(tmp_path, "rows.jsonl")["head"][0]
    assert row["value"] == {"text": "a?b", "score": "nan", "big": "inf"}


def test_candles_are_rows_of_no_shape(tmp_path: Path) -> None:
    (tmp_path / "candles.csv").write_text("time,open,close\n2024-01-01,1,2\n")
    request = {"recipe": "forecast", "params": {"data_file": "candles.csv"}, "base_dir": str(tmp_path), "split": "train", "rows": 5}
    answer = ask(request)
    assert answer["shape"] is None and answer["usable"] is None and answer["problems"] == []
    assert answer["head"][0]["value"] == {"time": "2024-01-01", "open": "1", "close": "2"}


def test_alpaca_rows_train_as_prompt_and_completion(tmp_path: Path) -> None:
    from trainyard.adapters.rows import Columns, open_source

    write_jsonl(tmp_path / "rows.jsonl", [{"instruction": "Add.", "input": "1 1", "output": "2"}, {"instruction": "Say hi.", "output": "hi"}])
    rows = list(open_source(tmp_path / "rows.jsonl", "auto", Columns(), ("text", "prompt_completion", "messages")))
    assert rows[0] == {"prompt": "### Instruction:\nAdd.\n\n### Input:\n1 1\n\n### Response:\n", "completion": "2"}
    assert rows[1] == {"prompt": "### Instruction:\nSay hi.\n\n### Response:\n", "completion": "hi"}
