"""The manual's pages that are made from the code: `python -m scripts.reference` writes them, `--check` compares."""
