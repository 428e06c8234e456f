"""Statistics, market gates and reports."""
