"""TensorBoard: event files without torch, and their layout."""
