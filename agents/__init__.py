"""Who trades: scripted baselines and learners, one file an agent."""
