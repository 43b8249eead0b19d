"""Reading candles: names of columns, formats of timestamps, and what is said of a file that does not fit."""

import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, Dict, List

import pytest
from candle_files import START, TINY, write_demo
from recipe_runs import environment, recipes
from trainyard.forecast.candles import CandleError, ReadOptions, base_step, find_gaps, read_candles
from trainyard.forecast.timeframes import DAY, HOUR, MINUTE
from trainyard.forecast.timestamps import AmbiguousFormat, find_parser
from trainyard.recipes.__main__ import check

HEADER = "timestamp,open,high,low,close,volume\n"
ROW = "{},2,3,1,2.5,10\n"
#: 2024-01-31 12:05:00 UTC
MOMENT = START + 30 * DAY + 12 * HOUR + 5 * MINUTE


def read(path: Path, text: str, **options: Any) -> Any:
    path.write_text(text)
    return read_candles(path, ReadOptions(**options))


@pytest.mark.parametrize(
    "text",
    [
        "1706702700",
        "1706702700.0",
        "1706702700000",
        "1706702700000000",
        "1706702700000000000",
        "2024-01-31T12:05:00Z",
        "2024-01-31T12:05:00.000Z",
        "2024-01-31 12:05:00 UTC",
        "2024-01-31T13:05:00+01:00",
        "2024-01-31 07:05:00-0500",
        "2024-01-31 12:05",
        "2024/01/31 12:05:00",
        "2024.01.31 12:05",
        "31.01.2024 12:05:00",
        "31/01/2024 12:05",
        "01/31/2024 12:05",
        "01/31/2024 12:05 PM",
        "20240131 120500",
        "31 Jan 2024 12:05:00",
    ],
)
def test_a_timestamp_in_many_formats(text: str) -> None:
    assert find_parser([text])(text) == MOMENT


@pytest.mark.parametrize("text", ["2024-01-31", "20240131", "31.01.2024", "Jan 31, 2024", "31-01-2024"])
def test_a_day(text: str) -> None:
    assert find_parser([text])(text) == START + 30 * DAY


def test_day_first_and_month_first_are_told_apart_or_refused() -> None:
    assert find_parser(["11/01/2024", "12/01/2024", "13/01/2024"])("01/02/2024") == START + 31 * DAY
    with pytest.raises(AmbiguousFormat, match="%d/%m/%Y %H:%M and %m/%d/%Y %H:%M"):
        find_parser(["01/02/2024 00:00", "01/02/2024 00:01"])
    assert find_parser(["01/02/2024"], "%m/%d/%Y")("01/02/2024") == START + DAY


@pytest.mark.parametrize(
    ("header", "row"),
    [
        ("Date,Open,High,Low,Close,Adj Close,Volume", "2024-01-01,2,3,1,2.5,9,10"),
        ("Open time;Open;High;Low;Close;Volume;Close time", "2024-01-01 00:00:00;2;3;1;2.5;10;x"),
        ("<DATE>\t<TIME>\t<OPEN>\t<HIGH>\t<LOW>\t<CLOSE>\t<TICKVOL>\t<VOL>", "2024.01.01\t00:00:00\t2\t3\t1\t2.5\t9\t10"),
        ("unix,date,symbol,open,high,low,close,Volume BTC,Volume USDT", "1704067200,ignored,X,2,3,1,2.5,10,9"),
        ("t,o,h,l,c,v", "1704067200000,2,3,1,2.5,10"),
        ("https://www.example.com\nunix,open,high,low,close,volume", "1704067200,2,3,1,2.5,10"),
        ("\ufefftimestamp,open,high,low,close,volume", "1704067200,2,3,1,2.5,10"),
        (" Timestamp , Open , High , Low , Close , Volume ", " 1704067200 , 2 , 3 , 1 , 2.5 , 10 "),
    ],
)
def test_headers_of_many_exports(tmp_path: Path, header: str, row: str) -> None:
    path = tmp_path / "c.csv"
    path.write_text(header + "\n" + row + "\n\n", encoding="utf-8")
    candles = read_candles(path, ReadOptions())
    assert (list(candles.times), list(candles.open), list(candles.close), list(candles.volume)) == ([START], [2.0], [2.5], [10.0])
    assert not candles.synthetic


def test_columns_can_be_named_and_a_volume_left_out(tmp_path: Path) -> None:
    text = "when,first,top,bottom,final\n1704067200,2,3,1,2.5\n"
    names = {"time": "when", "open": "first", "high": "top", "low": "bottom", "close": "final"}
    candles = read(tmp_path / "c.csv", text, columns=names, use_volume=False)
    assert list(candles.high) == [3.0] and len(candles.volume) == 0


@pytest.mark.parametrize(
    ("text", "field", "words"),
    [
        ("", "data_file", ["is empty"]),
        (HEADER, "data_file", ["no rows"]),
        ("timestamp,open,high,low,volume\n1,1,1,1,1\n", "data_file", ["lacks columns: close", "it has: timestamp, open, high, low, volume"]),
        ("price\n1\n", "data_file", ["lacks columns: time, open, high, low, close, volume"]),
        ("timestamp,open,high,low,close\n1704067200,2,3,1,2\n", "data_file", ["lacks columns: volume"]),
        ("1704067200,2,3,1,2.5,10\n1704070800,2,3,1,2.5,10\n", "data_file", ["begins with numbers", "names of its columns"]),
        (HEADER + ROW.format(100) + ROW.format(200) + ROW.format(200), "data_file", ["line 4", "a second time"]),
        (HEADER + ROW.format(100) + ROW.format(300) + ROW.format(200), "data_file", ["line 4", "earlier than"]),
        (HEADER + ROW.format(300) + ROW.format(200) + ROW.format(100), "data_file", ["line 3", "newest bar comes first"]),
        (HEADER + ROW.format("soon"), "timestamp_format", ["line 2", "'soon'"]),
        (HEADER + ROW.format(100) + "200,2,3,1,,10\n", "data_file", ["line 3", "close is empty"]),
        (HEADER + "100,2,3,1,n/a,10\n", "data_file", ["line 2", "close is 'n/a'"]),
        (HEADER + "100,2,3,1,nan,10\n", "data_file", ["close is nan"]),
        (HEADER + "100,0,3,0,2,10\n", "data_file", ["open is 0", "above 0"]),
        (HEADER + "100,2,1,3,2,10\n", "data_file", ["high 1 is below low 3"]),
        (HEADER + "100,2,3,1,2,-1\n", "data_file", ["volume is -1"]),
        (HEADER + "100,2,3\n", "data_file", ["line 2", "3 values where the header names 6"]),
    ],
)
def test_a_file_that_does_not_fit_is_explained(tmp_path: Path, text: str, field: str, words: List[str]) -> None:
    with pytest.raises(CandleError) as caught:
        read(tmp_path / "c.csv", text)
    assert caught.value.parameter == field
    for word in ["c.csv", *words]:
        assert word in caught.value.message


def test_a_format_that_changes_half_way(tmp_path: Path) -> None:
    rows = "".join(ROW.format(1_704_067_200 + 60 * number) for number in range(2500))
    with pytest.raises(CandleError, match="line 2502.*format that the file began with"):
        read(tmp_path / "c.csv", HEADER + rows + ROW.format("2024-01-03T00:00:00Z"))


def test_gaps_and_the_timeframe_are_found(tmp_path: Path) -> None:
    candles = read_candles(write_demo(tmp_path / "c.csv", 300, MINUTE, gaps=4), ReadOptions())
    assert candles.synthetic and base_step(candles.times) == MINUTE
    gaps = find_gaps(candles.times, MINUTE)
    assert len(gaps) == 4
    assert sum(gap.missing for gap in gaps) == (candles.times[-1] - candles.times[0]) // MINUTE + 1 - 300


def errors(params: Dict[str, Any], folder: Path) -> Dict[str, str]:
    report = check("forecast", {**TINY, **params}, folder)
    return {problem["field"]: problem["message"] for problem in report["problems"] if problem["severity"] == "error"}


@pytest.mark.parametrize(
    ("params", "field", "words"),
    [
        ({"data_file": "gone.csv"}, "data_file", ["does not exist"]),
        ({"timeframes": ["30m"]}, "timeframes", ["30m", "one bar per 1h"]),
        ({"timeframes": ["2h"]}, "timeframes", ["can hold 1m, 5m", "'2h'"]),
        ({"timeframes": ["1h", "1w"]}, "timeframes", ["bars of 1w", "too few"]),
        ({"window": 390}, "window", ["400 bars of 1h are too few"]),
        ({"horizon_next": 398}, "horizon_next", ["too few"]),
        ({"horizon_next": 0}, "horizon_next", ["nothing to forecast"]),
        ({"horizon_short": "soon"}, "horizon_short", ["no duration"]),
        ({"horizon_short": "30m"}, "horizon_short", ["shorter than a bar of 1h"]),
        ({"horizon_long": "90m"}, "horizon_long", ["no multiple of a bar of 1h"]),
        ({"horizon_short": "4h", "horizon_long": "2h"}, "horizon_long", ["not longer than horizon_short"]),
        ({"horizon_long": "1w"}, "horizon_long", ["no window is left for training"]),
        ({"indicators": ["rsi", "vwap"]}, "indicators", ["'vwap'"]),
        ({"use_volume": False}, "indicators", ["obv"]),
        ({"ema_periods": [1]}, "ema_periods", ["at least 2"]),
        ({"macd_fast": 30}, "macd_fast", ["not shorter"]),
        ({"d_model": 17}, "d_model", ["no multiple of n_heads"]),
        ({"loss": "quantile", "quantiles": [0.1, 0.9]}, "quantiles", ["lack 0.5"]),
        ({"loss": "quantile", "quantiles": [0.5, 1.5]}, "quantiles", ["between 0 and 1"]),
        ({"loss": "huber"}, "loss", ["must be one of"]),
        ({"val_fraction": 0.6, "test_fraction": 0.5}, "val_fraction", ["less than a tenth"]),
        ({"max_epochs": -1}, "max_epochs", ["no end"]),
        ({"val_check_interval": 1000}, "val_check_interval", ["an epoch has"]),
        ({"columns": {"close": "Price"}}, "columns", ["no column 'Price'"]),
    ],
)
def test_the_check_explains_a_wrong_value_at_its_field(workspace: Path, params: Dict[str, Any], field: str, words: List[str]) -> None:
    found = errors(params, workspace)
    assert list(found) == ["params." + field], found
    for word in words:
        assert word in found["params." + field]


def test_a_good_run_has_no_errors_and_says_that_the_data_is_synthetic(workspace: Path, valid: Any) -> None:
    write_demo(workspace / "gaps.csv", 400, gaps=3)
    request = {"recipe": "forecast", "params": {**TINY, "data_file": "gaps.csv"}, "base_dir": str(workspace)}
    report = json.loads(recipes("check", stdin=json.dumps(request)).stdout)
    valid("preflight-report", report)
    assert {problem["severity"] for problem in report["problems"]} == {"info"}
    messages = " ".join(problem["message"] for problem in report["problems"])
    assert "synthetic" in messages and "missing in 3 gaps" in messages
    facts = report["facts"]
    assert facts["synthetic"] is True and facts["base_timeframe"] == "1h" and facts["rows"] == 400
    assert facts["steps_on_one_device"] == 2 * facts["steps_per_epoch"]


def test_a_long_file_is_checked_at_once(workspace: Path) -> None:
    with (workspace / "long.csv").open("w") as file:
        file.write(HEADER)
        for start in range(0, 2_000_000, 1000):
            file.write("".join(ROW.format(1_500_000_000 + 60 * number) for number in range(start, start + 1000)))
    begun = time.process_time()
    report = check("forecast", {**TINY, "data_file": "long.csv"}, workspace)
    assert time.process_time() - begun < 10
    assert any("first 300000 rows were checked" in problem["message"] for problem in report["problems"])
    assert report["facts"]["rows"] == "more than 300000"


def test_a_line_without_end_is_found_out_early(tmp_path: Path) -> None:
    (tmp_path / "candles.csv").write_text("time,open,high,low,close,volume\n2024-01-01 00:00,1,2,1,1,1\n2024-01-01 01:00,1,2,1,1,1\n")
    with (tmp_path / "candles.csv").open("r+b") as file:
        file.truncate(2 * 1024**3)
    with pytest.raises(CandleError, match="line 4 is longer than 1 MiB"):
        read_candles(tmp_path / "candles.csv", ReadOptions())


def test_the_check_needs_the_standard_library_alone(workspace: Path) -> None:
    code = (
        "import json, sys; from pathlib import Path; from trainyard.recipes.__main__ import check; "
        "r = check('forecast', json.loads(sys.argv[1]), Path(sys.argv[2])); "
        "print(r['facts']['train_windows'] > 0, [m for m in ('torch', 'numpy', 'lightning', 'pyarrow') if m in sys.modules])"
    )
    command = [sys.executable, "-c", code, json.dumps(TINY), str(workspace)]
    result = subprocess.run(command, capture_output=True, text=True, env=environment())
    assert result.stdout.strip() == "True []", result.stderr


def test_the_generator_says_what_it_is(tmp_path: Path) -> None:
    def generate(name: str, *more: str) -> "subprocess.CompletedProcess[str]":
        command = [sys.executable, "-m", "trainyard.forecast.demo", str(tmp_path / name), *more]
        return subprocess.run(command, capture_output=True, text=True, env=environment())

    done = generate("a.csv", "--bars", "50", "--seed", "4")
    assert done.returncode == 0 and "50 synthetic candles" in done.stdout
    lines = (tmp_path / "a.csv").read_text().splitlines()
    assert len(lines) == 51 and all(line.endswith(",synthetic") for line in lines[1:])
    generate("b.csv", "--bars", "50", "--seed", "4")
    generate("c.csv", "--bars", "50", "--seed", "5")
    assert (tmp_path / "a.csv").read_bytes() == (tmp_path / "b.csv").read_bytes() != (tmp_path / "c.csv").read_bytes()
    wrong = generate("d.csv", "--bars", "0")
    assert wrong.returncode == 2 and "at least 1" in wrong.stderr
