"""The types that packages of the engine exchange: each is here once, with the rules of its values and nothing else."""
