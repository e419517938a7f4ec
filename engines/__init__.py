"""Data, models, losses and training steps in PyTorch; knows nothing of Qt or of stored runs."""
