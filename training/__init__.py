"""Synthesis of people, training and model building. Not shipped in the extension."""
