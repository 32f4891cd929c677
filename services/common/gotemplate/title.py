"""Title case, word by word."""

import re

_WORD = re.compile(r"[\w'’]+")


def title_words(text: str, *, lower: bool) -> str:
    """Return the text with each word's first letter in title case; the others in lower case if asked for."""

    def word(match: re.Match[str]) -> str:
        head, tail = match[0][:1], match[0][1:]
        return head.title() + (tail.lower() if lower else tail)

    return _WORD.sub(word, text)
