"""Upper, lower and title case as Go has them: rune by rune, so that no text grows."""

import re

# A word as Unicode's default word boundaries (UAX #29) find it, as far as letter case is concerned: letters, digits,
# underscores and marks, with an apostrophe, point or colon between letters.
_MARKS = r"\u0300-\u036f\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f"
_WORD = re.compile(rf"[\w{_MARKS}]+(?:['\u2019.:\u00b7](?=[^\W\d_])[\w{_MARKS}]+)*")


def to_upper(text: str) -> str:
    """Return the text in upper case, as strings.ToUpper does: `ß` stays."""
    return text.upper() if text.isascii() else "".join(map(_upper, text))


def to_lower(text: str) -> str:
    """Return the text in lower case, as strings.ToLower does."""
    return text.lower() if text.isascii() else "".join(rune.lower()[0] for rune in text)


def _upper(rune: str) -> str:
    for changed in (rune.upper(), rune.title()):
        if len(changed) == 1:
            return changed
    return rune


def title_words(text: str, *, lower: bool) -> str:
    """Return the text with each word's first letter in title case; the others in lower case if asked for."""

    def word(match: re.Match[str]) -> str:
        text = match[0]
        first = next((index for index, rune in enumerate(text) if rune.isalpha()), len(text))
        tail = text[first + 1 :]
        return text[:first] + text[first : first + 1].title() + (tail.lower() if lower else tail)

    return _WORD.sub(word, text)
