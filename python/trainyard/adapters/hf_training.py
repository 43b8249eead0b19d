"""What all recipes on ``transformers.Trainer`` do around the trainer itself: resume, stop, measure, keep the final model."""

from __future__ import annotations

from typing import Any, Iterable, List, Mapping, NamedTuple, Optional, Tuple

from transformers import TrainerCallback

from trainyard.adapters.base import TrainContext
from trainyard.adapters.hf_data import prompt_ids


class GivenHyperparameters(TrainerCallback):
    """Makes the fields win over what a checkpoint's optimizer, scheduler and trainer state bring back.

    Restoring the scheduler restores the old peak learning rate, restoring the optimizer its old decay and betas, and restoring the trainer
    state the old logging, evaluation and saving steps. A resumed run that overrides one of these would go on with the old value. Where
    nothing was overridden nothing is touched, so an exact resume stays exact.
    """

    def __init__(self, trainer: Any) -> None:
        self.trainer = trainer

    def on_train_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        state.compute_steps(args, state.max_steps)
        optimizer = kwargs["optimizer"]
        scheduler = kwargs["lr_scheduler"]
        # Biases and norms are in a group of their own that never decays.
        decayed_names = set(self.trainer.get_decay_parameter_names(self.trainer.model))
        decayed = {id(parameter) for name, parameter in self.trainer.model.named_parameters() if name in decayed_names}
        for group in optimizer.param_groups:
            if "weight_decay" in group and any(id(parameter) in decayed for parameter in group["params"]):
                group["weight_decay"] = args.weight_decay
            if "betas" in group:
                group["betas"] = (args.adam_beta1, args.adam_beta2)
        base_rates = getattr(scheduler, "base_lrs", None)
        if not base_rates or not hasattr(scheduler, "lr_lambdas") or all(rate == args.learning_rate for rate in base_rates):
            return
        scheduler.base_lrs = [args.learning_rate] * len(base_rates)
        for group, function in zip(optimizer.param_groups, scheduler.lr_lambdas):
            group["initial_lr"] = args.learning_rate
            group["lr"] = args.learning_rate * function(scheduler.last_epoch)
        scheduler._last_lr = [group["lr"] for group in optimizer.param_groups]


class ExactMatch(NamedTuple):
    """Rows to answer in evaluation, and how long an answer may get."""

    rows: List[Tuple[str, str]]
    max_new_tokens: int
    batch_size: int

    def measure(self, model: Any, tokenizer: Any) -> float:
        """Share of the rows whose greedily generated answer equals the completion, spaces around it aside."""
        right = 0
        for start in range(0, len(self.rows), self.batch_size):
            batch = self.rows[start : start + self.batch_size]
            answers = generate(model, tokenizer, [prompt for prompt, _ in batch], self.max_new_tokens)
            right += sum(answer.strip() == wanted.strip() for answer, (_, wanted) in zip(answers, batch))
        return right / len(self.rows)


def generate(model: Any, tokenizer: Any, prompts: Iterable[str], max_new_tokens: int) -> List[str]:
    """Greedy answers to prompts, in their order."""
    import torch

    encoded = [prompt_ids(tokenizer, prompt) for prompt in prompts]
    longest = max(map(len, encoded))
    pad = tokenizer.pad_token_id
    # Padded on the left: the answer begins right after the prompt.
    ids = torch.tensor([[pad] * (longest - len(row)) + row for row in encoded], device=model.device)
    mask = torch.tensor([[0] * (longest - len(row)) + [1] * len(row) for row in encoded], device=model.device)
    was_training = model.training
    model.eval()
    try:
        with torch.inference_mode():
            output = model.generate(
                input_ids=ids,
                attention_mask=mask,
                max_new_tokens=max_new_tokens,
                do_sample=False,
                temperature=None,
                top_p=None,
                top_k=None,
                pad_token_id=pad,
                eos_token_id=tokenizer.eos_token_id,
            )
    finally:
        model.train(was_training)
    answers: List[str] = tokenizer.batch_decode(output[:, longest:], skip_special_tokens=True)
    return answers


def exact_match_of(params: Mapping[str, Any], shape: str, rows: Optional[Iterable[Mapping[str, Any]]]) -> Optional[ExactMatch]:
    """What to answer in evaluation, or None when it was not asked for or the rows have no single right answer.

    ``rows`` are the held-out rows before tokenising.
    """
    if not params.get("eval_exact_match") or shape != "prompt_completion" or rows is None:
        return None
    pairs = []
    for row in rows:
        pairs.append((row["prompt"], row["completion"]))
        if len(pairs) == params["exact_match_rows"]:
            break
    return ExactMatch(pairs, params["exact_match_max_new_tokens"], params["per_device_eval_batch_size"])


def with_exact_match(trainer_class: type, exact_match: Optional[ExactMatch]) -> type:
    """The trainer class, extended so that every evaluation also answers the held-out prompts.

    The value joins the evaluation's other metrics before they are logged, so that it stands at the same step and can choose the best
    checkpoint (``metric_for_best_model: exact_match``).
    """
    if exact_match is None:
        return trainer_class

    class ExactMatchTrainer(trainer_class):  # type: ignore[misc, valid-type]
        def evaluation_loop(self, *args: Any, metric_key_prefix: str = "eval", **kwargs: Any) -> Any:
            output = super().evaluation_loop(*args, metric_key_prefix=metric_key_prefix, **kwargs)
            model = self.accelerator.unwrap_model(self.model)
            output.metrics[metric_key_prefix + "_exact_match"] = exact_match.measure(model, self.processing_class)
            return output

    ExactMatchTrainer.__name__ = trainer_class.__name__
    ExactMatchTrainer.__qualname__ = trainer_class.__qualname__
    return ExactMatchTrainer


def run_trainer(trainer: Any, context: TrainContext) -> bool:
    """Train, from a checkpoint where asked, and keep the final model. Gives False when a stop ended it early."""
    resume = context.resume_from
    if resume is not None:
        trainer.add_callback(GivenHyperparameters(trainer))
    exact = resume is not None and resume.mode == "state"
    trainer.train(resume_from_checkpoint=resume.path if exact and resume is not None else None)
    if context.run.stop_requested() and trainer.state.global_step < trainer.state.max_steps:
        return False
    save_final_model(trainer, context)
    return True


def save_final_model(trainer: Any, context: TrainContext) -> None:
    """``artifacts/model``: weights (or the adapter) with the tokenizer, ready to load."""
    target = context.model_dir
    trainer.save_model(str(target))
    merged = bool(context.params.get("merge_adapter")) and hasattr(trainer.accelerator.unwrap_model(trainer.model), "merge_and_unload")
    if merged and trainer.is_world_process_zero():
        for leftover in target.glob("adapter_*"):
            leftover.unlink()
        trainer.accelerator.unwrap_model(trainer.model).merge_and_unload().save_pretrained(str(target))
    if trainer.is_world_process_zero():
        # A pickle of the settings; nobody should have to trust it to use the model.
        (target / "training_args.bin").unlink(missing_ok=True)
        context.run.log_artifact(str(target), name="model", kind="model")

