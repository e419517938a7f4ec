"""The parts of the Data page: what there is, how it is loaded, and what it holds."""
