"""Forecasting of OHLCV candles: reading and resampling, features, a transformer, and its training. The recipe is ``trainyard.recipes.forecast``.

Modules that the check before the start uses (``timeframes``, ``timestamps``, ``candles``, ``settings``, ``plan``) need the standard library
alone. ``indicators``, ``bars``, ``features`` and ``windows`` add numpy; ``losses``, ``model`` and ``training`` add torch and Lightning.
"""
