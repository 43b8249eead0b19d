"""Adapters: the code that carries a recipe out inside the training process.

Start from :class:`trainyard.adapters.base.BaseAdapter` to write a recipe of your own.
"""
