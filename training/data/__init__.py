"""Synthetic people as samples on disk or in a stream, what the real detector and fit make of them, and sheets to look at."""
