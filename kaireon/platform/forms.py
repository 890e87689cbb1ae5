"""What forms of pages share: the API's rules for text, and a service's refusal beside the field it names."""

from collections.abc import Mapping

from django import forms
from rest_framework.exceptions import ValidationError as WireError

from kaireon.platform.errors import DomainError
from kaireon.platform.fields import check_text


def plain_text(value: str) -> None:
    """Refuse control characters and direction overrides, as the API does; a validator."""
    try:
        check_text(value)
    except WireError as error:
        details = error.detail
        raise forms.ValidationError([str(detail) for detail in details]) from None


def plain_lines(value: str) -> None:
    """Refuse control characters other than line breaks and tabs; a validator."""
    try:
        check_text(value, multiline=True)
    except WireError as error:
        raise forms.ValidationError([str(detail) for detail in error.detail]) from None


def add_refusal(form: forms.Form, error: DomainError, fields: Mapping[str, str]) -> None:
    """Show a service's refusal beside the field that stands for its path, or on top where none does.

    `fields` maps the start of a path (`config.url`, `channels`) to a form field.
    """
    is_placed = False
    for path, texts in error.fields.items():
        name = next((each for start, each in fields.items() if path.startswith(start)), None)
        if name is not None and name in form.fields:
            form.add_error(name, list(texts))
            is_placed = True
    if not is_placed:
        form.add_error(None, error.message)
