"""The form of the recipe ``forecast``."""

from __future__ import annotations

from typing import Dict

from trainyard.adapters.base import Field, Section
from trainyard.adapters.hf_training_fields import threads_field
from trainyard.forecast.settings import GAP_RULES, INDICATORS, LOSSES
from trainyard.forecast.timeframes import TIMEFRAMES

SECTIONS = (
    Section("data", "Data", "Candles to learn from, and the bars that are made of them."),
    Section("features", "Features", "What the model sees of each bar."),
    Section("model", "Model", "A transformer encoder over the last bars."),
    Section("loss", "Loss", "What is forecast, and how errors count."),
    Section("training", "Training", "Length, batch, learning rate and optimizer."),
    Section("evaluation", "Evaluation & checkpoints", "What is held out, measured and kept."),
    Section("compute", "Compute", "Device, precision and threads."),
)


def all_fields() -> Dict[str, Field]:
    """In the order of the form."""
    return {**_data(), **_features(), **_model(), **_loss(), **_training(), **_evaluation(), **_compute()}


def _data() -> Dict[str, Field]:
    return {
        "data_file": Field(
            "string",
            "Candles",
            "CSV file with a header and one row per bar, oldest first: time, open, high, low, close, volume.",
            "data",
            required=True,
            path="file",
            path_must_exist=True,
            holds="candles",
            placeholder="candles.csv",
        ),
        "timeframes": Field(
            "array",
            "Timeframes",
            "Bars of the shortest one are forecast, longer ones give further features; empty takes the bars of the file as they are.",
            "data",
            default=[],
            items="string",
            item_choices=list(TIMEFRAMES),
            widget="multiselect",
        ),
        "gaps": Field(
            "string",
            "Missing bars",
            "bridge treats the bars around a gap as neighbours (nights, weekends); split lets no window and no target reach across one.",
            "data",
            default="bridge",
            choices=GAP_RULES,
            widget="segments",
        ),
        "use_volume": Field("boolean", "Use the volume", "Off for data without a volume.", "data", default=True),
        "columns": Field(
            "object",
            "Columns",
            "Names of the columns, where they are not found by themselves: {\"close\": \"Price\"}; keys are time, open, high, low, close, volume.",
            "data",
            default={},
            widget="json",
            advanced=True,
        ),
        "timestamp_format": Field(
            "string",
            "Timestamp format",
            "auto, or a format of Python's strptime such as %d/%m/%Y %H:%M; times without a zone are UTC.",
            "data",
            default="auto",
            advanced=True,
        ),
    }


def _features() -> Dict[str, Field]:
    def period(title: str, description: str, default: int) -> Field:
        return Field("integer", title, description, "features", default=default, minimum=2, maximum=10_000, unit="bars", advanced=True)

    return {
        "indicators": Field(
            "array",
            "Indicators",
            "Technical indicators of each timeframe.",
            "features",
            default=list(INDICATORS),
            items="string",
            item_choices=list(INDICATORS),
            widget="multiselect",
        ),
        "calendar_features": Field(
            "boolean", "Calendar", "Time of day, day of the week and time of the year as features.", "features", default=True
        ),
        "window": Field(
            "integer", "Window", "Bars that the model looks back over.", "features", default=64, minimum=2, maximum=4096, usual=(16, 512), unit="bars"
        ),
        "rsi_period": period("RSI period", "Bars of the relative strength index.", 14),
        "macd_fast": period("MACD fast", "Bars of the faster average.", 12),
        "macd_slow": period("MACD slow", "Bars of the slower average.", 26),
        "macd_signal": period("MACD signal", "Bars of the signal line.", 9),
        "atr_period": period("ATR period", "Bars of the average true range.", 14),
        "bb_period": period("Bollinger period", "Bars of the Bollinger bands.", 20),
        "bb_width": Field(
            "number", "Bollinger width", "Standard deviations from the middle to a band.", "features", default=2.0, exclusive_minimum=0, advanced=True
        ),
        "ema_periods": Field(
            "array", "EMA periods", "Bars of each exponential moving average.", "features", default=[12, 26], items="integer", advanced=True
        ),
        "sma_periods": Field(
            "array", "SMA periods", "Bars of each simple moving average.", "features", default=[20, 50], items="integer", advanced=True
        ),
        "obv_period": period("OBV period", "Bars over which the change of the on-balance volume is taken.", 20),
    }


def _model() -> Dict[str, Field]:
    return {
        "d_model": Field("integer", "Width", "Numbers per bar inside the model (d_model).", "model", default=256, minimum=2, maximum=8192, usual=(32, 1024)),
        "n_layers": Field("integer", "Layers", "Encoder layers.", "model", default=2, minimum=1, maximum=64, usual=(1, 12)),
        "n_heads": Field("integer", "Heads", "Attention heads; the width is a multiple of them.", "model", default=8, minimum=1, maximum=128),
        "dropout": Field("number", "Dropout", "Share of values left out in training.", "model", default=0.1, minimum=0, maximum=0.9, usual=(0, 0.5)),
    }


def _loss() -> Dict[str, Field]:
    return {
        "loss": Field(
            "string",
            "Loss",
            "Gaussian NLL and Student-t forecast a distribution (Student-t with heavy tails), quantile its quantiles, mse a single value.",
            "loss",
            default="gaussian_nll",
            choices=LOSSES,
        ),
        "quantiles": Field(
            "array", "Quantiles", "Which quantiles are forecast; 0.5 is the forecast itself.", "loss", default=[0.1, 0.5, 0.9], items="number",
            depends_on={"loss": ["quantile"]},
        ),
        "horizon_next": Field(
            "integer", "Next", "Forecast the log return over this many bars; 0 turns it off.", "loss", default=1, minimum=0, maximum=100_000, unit="bars"
        ),
        "horizon_short": Field(
            "string", "Short horizon", "Forecast the log return over this time, such as 30m; empty turns it off.", "loss", default=None, nullable=True,
            placeholder="30m",
        ),
        "horizon_long": Field(
            "string", "Long horizon", "Forecast the log return over this longer time, such as 1w; empty turns it off.", "loss", default=None, nullable=True,
            placeholder="1w",
        ),
    }  # fmt: skip


def _training() -> Dict[str, Field]:
    return {
        "max_epochs": Field("integer", "Epochs", "How often the training windows are gone through; −1 for no limit.", "training", default=10, minimum=-1),
        "max_steps": Field("integer", "Max steps", "Stop after this many optimizer steps; −1 leaves it to the epochs.", "training", default=-1, minimum=-1),
        "batch_size": Field("integer", "Batch size", "Windows per step.", "training", default=32, minimum=1, maximum=65_536, usual=(8, 1024)),
        "learning_rate": Field(
            "number", "Learning rate", "Peak of the schedule.", "training", default=3e-4, minimum=0, maximum=1, usual=(1e-6, 1e-2)
        ),
        "weight_decay": Field("number", "Weight decay", "Decoupled weight decay of AdamW.", "training", default=0.01, minimum=0, maximum=1),
        "lr_scheduler_type": Field(
            "string", "Schedule", "Course of the learning rate after the warm-up.", "training", default="cosine", choices=("constant", "linear", "cosine"),
            widget="segments",
        ),
        "warmup_fraction": Field(
            "number", "Warm-up", "Share of the steps over which the learning rate rises.", "training", default=0.05, minimum=0, maximum=1
        ),
        "gradient_clip_val": Field(
            "number", "Gradient clipping", "Longer gradients are cut to this norm; empty turns it off.", "training", default=1.0, nullable=True, minimum=0
        ),
        "early_stopping_patience": Field(
            "integer", "Early stopping", "End when so many validations in a row were no better; empty turns it off.", "training", default=None,
            nullable=True, minimum=1, unit="validations",
        ),
    }  # fmt: skip


def _evaluation() -> Dict[str, Field]:
    return {
        "val_fraction": Field(
            "number", "Validation share", "The newest share of the windows (before the test) is measured and not learned from.", "evaluation",
            default=0.2, exclusive_minimum=0, maximum=0.8, usual=(0.05, 0.4),
        ),
        "test_fraction": Field(
            "number", "Test share", "The very newest share, measured once at the end.", "evaluation", default=0.0, minimum=0, maximum=0.8
        ),
        "embargo_bars": Field(
            "integer", "Embargo", "Bars left out at the border besides those whose targets reach across it.", "evaluation", default=0, minimum=0,
            unit="bars", advanced=True,
        ),
        "log_every_n_steps": Field("integer", "Log every", "Steps between two points of the curves.", "evaluation", default=10, minimum=1, unit="steps"),
        "val_check_interval": Field(
            "number", "Validate every", "Share of an epoch, or a whole number of batches above 1.", "evaluation", default=1.0, exclusive_minimum=0
        ),
        "checkpoint_every_n_steps": Field(
            "integer", "Save every", "Steps between two checkpoints; empty saves at the end of each epoch.", "evaluation", default=None, nullable=True,
            minimum=1, unit="steps",
        ),
        "save_top_k": Field(
            "integer", "Keep", "Number of newest checkpoints that are kept; −1 keeps all.", "evaluation", default=3, minimum=-1, unit="checkpoints"
        ),
        "keep_best": Field(
            "boolean", "Keep the best", "Keep the weights with the lowest validation loss and use them for the forecasts; off uses the last ones.",
            "evaluation", default=True,
        ),
    }  # fmt: skip


def _compute() -> Dict[str, Field]:
    return {
        "accelerator": Field(
            "string", "Accelerator", "What to train on; one device is used.", "compute", default="auto", choices=("auto", "cpu", "gpu", "mps"), widget="segments"
        ),
        "precision": Field(
            "string", "Precision", "Number format of the training.", "compute", default="32-true", choices=("32-true", "16-mixed", "bf16-mixed")
        ),
        "deterministic": Field(
            "boolean", "Deterministic", "Use deterministic algorithms where there are some; slower.", "compute", default=False, advanced=True
        ),
        **threads_field(),
    }
