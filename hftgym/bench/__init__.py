"""Speed on this machine, measured so that it can be compared."""
