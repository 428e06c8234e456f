"""Readers of real market data, the checks they pass, and the tapes made of them."""
