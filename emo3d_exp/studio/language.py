"""Is it English? A guess by letters and small words."""

from __future__ import annotations

import re
import unicodedata

SMALL_WORDS = """
a about after all an and are as at be been because but by could do for from had has have he her him his how i
if in into is it its just like me my no not of on or our out she so that the their them there they this to
very was we were what when which who with would you your
"""
FOREIGN_WORDS = """
der das den dem ein eine einen und ist nicht mit sie er ich sein ihr ihre sehr wie auf zu
el los las una y con su muy ella ellos es por para lo del
il elle ils elles le la les une et est dans avec sur des du je tu nous vous
lui lei gli che di un molto sono della ha
ele ela os uma com seu sua muito em
hij zij het een en van niet
"""
"""German, Spanish, French, Italian, Portuguese, Dutch; none of them is a small word of English."""
LOANS = "blasé café cliché déjà fiancé fiancée façade née naïve passé risqué résumé touché"

ENGLISH, FOREIGN, LOANWORDS = (frozenset(words.split()) for words in (SMALL_WORDS, FOREIGN_WORDS, LOANS))
WHY = "The models learnt English alone, so the face may mean nothing."


def doubts(text: str) -> str:
    """A note where a text does not look like English; empty where it does, or nothing tells.

    Told by the letters, and by more foreign than English words among the small ones and those with accents:
    a foreign text without either passes.
    """
    letters = [c for c in text if c.isalpha()]
    if not letters:
        return f"There is no word in this. {WHY}"
    if 2 * sum(c < "ɐ" for c in letters) <= len(letters):
        return f"This is not in Latin letters. {WHY}"
    words = re.findall(r"[^\W\d_]+", unicodedata.normalize("NFC", text.lower()))
    foreign = sum(word in FOREIGN or not (word.isascii() or word in LOANWORDS) for word in words)
    if foreign > sum(word in ENGLISH for word in words):
        return f"This may not be English. {WHY}"
    return ""
