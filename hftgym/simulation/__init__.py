"""Whole simulations: run a scenario, write its log and its picture, run a log again."""
