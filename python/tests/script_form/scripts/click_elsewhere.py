from importlib import import_module

# What the command line is follows only when this runs.
import_module("click_command").train()
