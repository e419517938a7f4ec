"""The parts of the Embedding view: the space as a value, its colours, the dots, the strip."""
