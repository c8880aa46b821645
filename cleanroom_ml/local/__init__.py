"""This machine's engine as its user sees it. The engine itself is imported only where it is needed."""
