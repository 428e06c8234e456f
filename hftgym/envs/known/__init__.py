"""Tasks whose best policy is known: finite decision processes, solved exactly."""
