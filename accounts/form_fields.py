"""How stored values are typed: money in major units, lists of words with commas."""

from decimal import Decimal
from typing import Any

from django import forms
from unfold.widgets import UnfoldAdminDecimalFieldWidget, UnfoldAdminTextInputWidget

from common.money import from_micro, to_micro

# JSON columns that hold a list of words.
WORD_LISTS = frozenset({"languages", "required_attestations", "reference_hosts"})


class MoneyField(forms.DecimalField):
    """An amount in major units with six decimals, stored in millionths."""

    def __init__(self, **kwargs: Any) -> None:
        kwargs.pop("min_value", None)
        kwargs.pop("max_value", None)
        kwargs["widget"] = UnfoldAdminDecimalFieldWidget(attrs={"step": "any"})
        super().__init__(max_digits=18, decimal_places=6, min_value=Decimal(0), **kwargs)

    def clean(self, value: Any) -> Any:
        amount = super().clean(value)
        return None if amount is None else to_micro(amount)

    def prepare_value(self, value: Any) -> Any:
        if isinstance(value, int):
            text = f"{from_micro(value):f}"
            return text.rstrip("0").rstrip(".") if "." in text else text
        return value

    def has_changed(self, initial: Any, data: Any) -> bool:
        try:
            typed = self.clean(data)
        except forms.ValidationError:
            return True
        return bool(typed != initial)


class WordsField(forms.CharField):
    """Words with commas or blanks between them, stored as a list."""

    def __init__(self, **kwargs: Any) -> None:
        for name in ("encoder", "decoder"):
            kwargs.pop(name, None)
        kwargs["widget"] = UnfoldAdminTextInputWidget()
        super().__init__(**kwargs)

    def clean(self, value: Any) -> Any:
        return str(super().clean(value)).replace(",", " ").replace(";", " ").split()

    def prepare_value(self, value: Any) -> Any:
        return ", ".join(str(word) for word in value) if isinstance(value, list) else value

    def has_changed(self, initial: Any, data: Any) -> bool:
        return bool(self.clean(data) != (initial or []))
