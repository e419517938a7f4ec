"""The parts of the Experiment page around its views."""
