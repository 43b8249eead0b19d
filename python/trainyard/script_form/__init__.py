"""A form for a Python script, derived from its source: the script is read and parsed, and never imported or run. Standard library alone, but
for Hydra's configuration files, which need PyYAML (Hydra brings it).
"""
