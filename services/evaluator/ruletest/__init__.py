"""Unit tests of rules, in the form of `promtool test rules`."""
