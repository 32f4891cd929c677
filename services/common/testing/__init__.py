"""Fakes that ship beside the real things and pass the same tests."""
