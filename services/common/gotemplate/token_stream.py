"""The tokens as the parser asks for them, with look-ahead, and the errors that point at them."""

from services.common.gotemplate.errors import TemplateSyntaxError
from services.common.gotemplate.lexer import Kind, Lexer, Token
from services.common.gotemplate.nodes import Source


class TokenStream:
    """A template's tokens; `mark` and `reset` go back to any of them."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._lexer = Lexer(source.text).tokens()
        self._tokens: list[Token] = []
        self._index = 0
        self.action_line = 0
        """The line where the action at hand began; 0 outside of one."""

    def next(self) -> Token:
        """Take the next token; the last one, EOF or ERROR, comes again and again."""
        if self._index == len(self._tokens):
            ended = self._tokens and self._tokens[-1].kind in {Kind.EOF, Kind.ERROR}
            self._tokens.append(self._tokens[-1] if ended else next(self._lexer))
        self._index += 1
        return self._tokens[self._index - 1]

    def peek(self) -> Token:
        """Look at the next token."""
        token = self.next()
        self._index -= 1
        return token

    def next_word(self) -> Token:
        """Take the next token that is no space."""
        while (token := self.next()).kind is Kind.SPACE:
            pass
        return token

    def peek_word(self) -> Token:
        """Skip spaces and look at the next token."""
        token = self.next_word()
        self._index -= 1
        return token

    def back(self) -> None:
        """Give the last token back."""
        self._index -= 1

    def mark(self) -> int:
        """Return the place that `reset` goes back to."""
        return self._index

    def reset(self, mark: int) -> None:
        """Go back to a mark."""
        self._index = mark

    def expect(self, kinds: set[Kind], context: str) -> Token:
        """Take the next token that is no space; raises TemplateSyntaxError if it is of another kind."""
        token = self.next_word()
        if token.kind not in kinds:
            raise self.unexpected(token, context)
        return token

    def error(self, problem: str) -> TemplateSyntaxError:
        """Return an error at the last token read."""
        token = self._tokens[-1]
        _, column = self._source.locate(token.pos)
        message = f"template: {self._source.name}:{token.line}: {problem}"
        return TemplateSyntaxError(message, self._source.name, token.line, column)

    def unexpected(self, token: Token, context: str) -> TemplateSyntaxError:
        """Return an error that complains about a token."""
        if token.kind is not Kind.ERROR:
            return self.error(f"unexpected {token} in {context}")
        extra = ""
        if self.action_line not in {0, token.line}:
            extra = f" in action started at {self._source.name}:{self.action_line}"
            if token.text.endswith(" action"):
                extra = extra.removeprefix(" in action")
        return self.error(f"{token}{extra}")
