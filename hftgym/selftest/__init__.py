"""Checks that an installed hftgym can make of its own exchange."""
