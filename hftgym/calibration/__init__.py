"""Fits scenarios to recorded markets: estimators, the split of time, the YAML that comes out."""
