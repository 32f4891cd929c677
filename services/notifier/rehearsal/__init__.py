"""Tests of routing: alerts and a time, and who would be told by what; nothing is sent."""
