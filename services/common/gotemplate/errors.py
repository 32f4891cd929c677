"""What can go wrong with a template."""


class TemplateError(ValueError):
    """A template that can't be parsed or executed; `str()` is the text that Go's text/template gives.

    `line` and `column` are those of the template's text: 1-based line, 0-based column in bytes, as Go counts.
    """

    def __init__(self, message: str, name: str, line: int, column: int) -> None:
        super().__init__(message)
        self.message, self.name, self.line, self.column = message, name, line, column


class FunctionError(ValueError):
    """What a template function raises for arguments that it can't work with; becomes `error calling NAME: …`."""


class TemplateSyntaxError(TemplateError):
    """A template that can't be parsed."""
