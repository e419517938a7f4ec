"""Parts of the views of contrastive runs: what they share, and the widgets they paint."""
