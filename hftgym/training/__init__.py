"""Training, evaluation and run folders: what any learner needs."""
