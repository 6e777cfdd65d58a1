"""Transcripts: word and character error rates by jiwer, of texts in one normal form.

Unicode NFC and single spaces; case and punctuation count, since what they should be is the
guideline's matter.
"""

import unicodedata

import jiwer


def word_error_rate(reference: str, text: str) -> float:
    """Return (substituted + deleted + inserted) / words of the reference, ≥ 0, may exceed 1.

    An empty reference: 0 for an empty text, else 1.
    """
    reference, text = _text_iv("reference", reference), _text_iv("text", text)
    if not reference:
        return float(bool(text))
    return float(jiwer.wer(reference, text))


def character_error_rate(reference: str, text: str) -> float:
    """Return the same by characters, for writing that does not part words."""
    reference, text = _text_iv("reference", reference), _text_iv("text", text)
    if not reference:
        return float(bool(text))
    return float(jiwer.cer(reference, text))


def _text_iv(name: str, text: str) -> str:
    if not isinstance(text, str):
        raise ValueError(f"{name} must be text, got {text!r}")
    return " ".join(unicodedata.normalize("NFC", text).split())
