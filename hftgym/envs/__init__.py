"""Tasks in a market: observation, reward and end, for Gymnasium and its vector interface."""
