"""Curves over steps: axes, a lean painter of them, what the mouse does, and files to save."""
