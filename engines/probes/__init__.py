"""What can be seen of a model at a step, as named arrays."""
