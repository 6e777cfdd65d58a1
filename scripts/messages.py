"""Collect what the product says into locale/, and compile it; needs Babel and no other program.

    python scripts/messages.py            read the sources, update every catalogue, compile
    python scripts/messages.py compile    compile only (make setup does this)

Strings are marked by gettext's functions, by `said` and `nsaid` (common.words) where no language is
known, and by the rules of the database (common.triggers).
"""

import io
import sys
from collections.abc import Iterator
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import extract
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po
from django.utils.translation.template import templatize

ROOT = Path(__file__).resolve().parent.parent
LOCALE = ROOT / "locale"
LEFT_OUT = {".venv", "migrations", "tests", "benchmarks", "var", "staticfiles", "demo"}
KEYWORDS = {
    **dict.fromkeys(
        ("_", "_l", "gettext", "gettext_lazy", "gettext_noop", "said", "pattern"), None
    ),
    **dict.fromkeys(("ngettext", "ngettext_lazy", "nsaid"), (1, 2)),
    "wrong": (2,),  # problems of a policy: where, what
    "Rule": (5,),
    "NoOverlap": (6,),
    "both": (4,),
    "verifier_is_house": (3,),
    "write_once": (2,),
}


def messages() -> Iterator[tuple[str, int, str | tuple[str, ...]]]:
    """Yield file, line and text (or the singular and plural) of everything that is said."""
    for path in sorted(ROOT.rglob("*")):
        name = path.relative_to(ROOT)
        if path.suffix not in (".py", ".html") or LEFT_OUT & set(name.parts):
            continue
        source = path.read_text(encoding="utf-8")
        if path.suffix == ".html":
            # Calls of gettext among X's; the tokenizer would stumble over indents.
            source = "\n".join(line.strip() for line in templatize(source).splitlines())
        file = io.BytesIO(source.encode())
        for line, text, _comments, _context in extract("python", file, KEYWORDS):
            yield str(name), line, text


def template() -> Catalog:
    """Return a catalogue of everything that is said, without translations."""
    found = Catalog(fuzzy=False)
    for name, _line, text in messages():
        parts = text if isinstance(text, tuple) else (text,)
        if all(isinstance(part, str) and part for part in parts):
            found.add(text, locations=[(name, 0)])
    return found


def catalogue(path: Path) -> Catalog:
    """Read one language's catalogue."""
    with path.open("rb") as file:
        return read_po(file, locale=path.parts[-3])


def update(path: Path) -> None:
    """Add what is new to a catalogue and drop what is said no longer."""
    held = catalogue(path)
    held.update(template(), no_fuzzy_matching=True)
    held.obsolete.clear()
    with path.open("wb") as file:
        # Line numbers would change with every edit of a source.
        write_po(file, held, include_lineno=False, omit_header=False, sort_output=True, width=100)


def compile_all() -> None:
    """Write the compiled catalogue beside each one."""
    for path in sorted(LOCALE.glob("*/LC_MESSAGES/django.po")):
        with path.with_suffix(".mo").open("wb") as file:
            write_mo(file, catalogue(path))


def main() -> None:
    if sys.argv[1:] != ["compile"]:
        for path in sorted(LOCALE.glob("*/LC_MESSAGES/django.po")):
            update(path)
    compile_all()


if __name__ == "__main__":
    main()
