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
    reference, text = text_of("reference", reference), text_of("text", text)
    if not reference:
        return float(bool(text))
    return float(jiwer.wer(reference, text))


def character_error_rate(reference: str, text: str) -> float:
    """Return the same by characters, for writing that does not part words."""
    reference, text = text_of("reference", reference), text_of("text", text)
    if not reference:
        return float(bool(text))
    return float(jiwer.cer(reference, text))


def text_of(name: str, text: str) -> str:
    """Return a text in its normal form, or raise ValueError."""
    if not isinstance(text, str):
        raise ValueError(f"{name} must be text, got {text!r}")
    return " ".join(unicodedata.normalize("NFC", text).split())
