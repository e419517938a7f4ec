"""The application without a screen: specs, runs on disk, worker threads, command line."""
