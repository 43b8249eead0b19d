"""The demo: a tiny Llama learns addition, then a LoRA adapter on it learns a second task. ``python -m trainyard.demo prepare DIR``."""
