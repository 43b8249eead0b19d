"""The recipes that come with Trainyard, and how others are found. ``python -m trainyard.recipes`` is the way in."""
