"""How well typed letters fit a title: in order, better together and at a word's start."""

WORD_START, TOGETHER, LETTER = 8.0, 9.0, 1.0
LEAST = 4.0  # per letter: letters strewn over a title don't mean it


def fit(query: str, title: str, hint: str = "") -> float | None:
    """How well every word of `query` fits, higher is better; None if one doesn't.

    A word's letters must come in order in the title, anywhere. A letter counts 1, one
    that follows the letter before 9 more, and one that begins a word 8 more; of all ways
    to find a word the best counts, if it comes to 4 a letter. In the hint a word must
    stand as it is, and each letter counts 1. Long titles lose a little, so that "cnn"
    finds "CNN" before "CNN against ViT". An empty query fits everything with 0.
    """
    folded, beside, total = title.casefold(), hint.casefold(), 0.0
    for word in query.casefold().split():
        best = _best(word, folded)
        if best is None and word in beside:
            best = LETTER * len(word)
        if best is None:
            return None
        total += best
    return total - len(title) / 100 if total else 0.0


def _best(word: str, text: str) -> float | None:
    """The best way to find the letters of `word` in `text` in order, by dynamic programming.

    `ended[place]` is the best score with the letters so far, the last one at `place`.
    """
    ended: dict[int, float] = {}
    for number, letter in enumerate(word):
        places = [place for place, known in enumerate(text) if known == letter]
        now: dict[int, float] = {}
        for place in places:
            value = LETTER + (WORD_START if _begins_word(text, place) else 0.0)
            if number == 0:
                now[place] = value
                continue
            before = [score for at, score in ended.items() if at < place]
            if before:
                together = ended.get(place - 1)
                follow = together + TOGETHER if together is not None else float("-inf")
                now[place] = value + max(max(before), follow)
        ended = now
        if not ended:
            return None
    best = max(ended.values())
    return best if best >= LEAST * len(word) else None


def _begins_word(text: str, place: int) -> bool:
    return place == 0 or (text[place].isalnum() and not text[place - 1].isalnum())
