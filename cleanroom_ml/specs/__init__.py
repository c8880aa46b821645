"""The six YAML specs and the project file: parse with line numbers, validate, write back."""
