"""Reads exported files with the programs they are made for and writes what these found, floats as their bits."""
import json
import struct
import sys
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.plugins.hparams import plugin_data_pb2


def bits(values):
    return [format(struct.unpack("<Q", struct.pack("<d", value))[0], "x") for value in values]


def rows(frame):
    return {
        "columns": list(frame.columns),
        "texts": frame[["run", "name", "metric"]].astype(str).drop_duplicates().values.tolist(),
        "attempts": [int(value) for value in frame["attempt"]],
        **{name: bits(frame[name].astype("float64")) for name in ("step", "time", "value")},
    }


def metadata(raw):
    return {key.decode(): value.decode() for key, value in (raw or {}).items() if key.startswith(b"trainyard.")}


folder = Path(sys.argv[1])
parquet, arrow = folder / "all.parquet", folder / "all.arrow"
with pa.memory_map(str(arrow)) as source:
    table = pa.ipc.open_file(source).read_all()

accumulator = EventAccumulator(str(folder / "events"), size_guidance={"scalars": 0, "tensors": 0})
accumulator.Reload()
tags = accumulator.Tags()
hparams = {}
for tag, content in accumulator.PluginTagToContent("hparams").items():
    data = plugin_data_pb2.HParamsPluginData.FromString(content)
    for key, value in data.session_start_info.hparams.items():
        hparams[key] = getattr(value, value.WhichOneof("kind"))
texts = {
    tag: accumulator.Tensors(tag)[0].tensor_proto.string_val[0].decode()
    for tag in accumulator.PluginTagToContent("text")
}
scalars = {
    tag: {
        "step": [event.step for event in accumulator.Scalars(tag)],
        "time": bits(event.wall_time for event in accumulator.Scalars(tag)),
        "value": bits(np.float64(event.value) for event in accumulator.Scalars(tag)),
    }
    for tag in tags["scalars"]
}
json.dump(
    {
        "pandas": rows(pd.read_parquet(parquet)),
        "duckdb": rows(duckdb.sql(f"SELECT * FROM read_parquet('{parquet}')").df()),
        "filtered": duckdb.sql(f"SELECT count(*) FROM read_parquet('{parquet}') WHERE value > 1e300").fetchall()[0][0],
        "parquet_metadata": metadata(pq.read_schema(parquet).metadata),
        "arrow": rows(table.to_pandas()),
        "arrow_metadata": metadata(table.schema.metadata),
        "empty": len(pd.read_parquet(folder / "empty.parquet")),
        "tensorboard": {"scalars": scalars, "hparams": hparams, "texts": texts},
    },
    sys.stdout,
)
