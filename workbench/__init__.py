"""The application without a screen: specs, runs on disk, worker threads, comparisons, command line."""
