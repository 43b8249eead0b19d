"""Bridges from training frameworks to the run. Each imports its framework only when it is used."""
