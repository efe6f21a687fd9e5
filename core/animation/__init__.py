"""Recorded and tracked performances for the rigged head."""
