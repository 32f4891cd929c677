"""People: who they are, when they may be told, by what, and who is next when nobody answers."""
