"""What blackbox_exporter can do and we can not."""


class UnsupportedError(ValueError):
    """Says what is not supported and what to use instead; a blackbox.yml loses only the module that asks for it."""
