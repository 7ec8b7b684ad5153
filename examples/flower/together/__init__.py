"""Nodes train a model together, each on what it alone has."""
