"""The market as one record, and the compiled functions that move it."""
