"""What contrastive learning needs besides a model: views, batches, mining, losses and measures."""
