"""Machine-learning jobs on data that several parties combine without showing it to each other."""

__version__ = "0.1.0"
