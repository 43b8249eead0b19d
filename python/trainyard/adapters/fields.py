"""Fields of a recipe, written once and given out as JSON Schema 2020-12 with the annotations that a form needs (``protocol/recipe.ts``)."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Dict, List, Mapping, Optional, Sequence, Tuple

from trainyard._words import counted

SCHEMA_DIALECT = "https://json-schema.org/draft/2020-12/schema"

_PYTHON_TYPES = {
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "array": (list, tuple),
    "object": (dict,),
}


class _Missing:
    """Marks a field without a default; ``None`` is a default like any other."""

    def __repr__(self) -> str:
        return "MISSING"


MISSING: Any = _Missing()


@dataclass(frozen=True)
class Field:
    """One parameter of a recipe.

    ``type`` is a JSON type name. ``nullable`` also allows null, which means "leave it to the framework" unless the description says
    otherwise. ``minimum`` and ``maximum`` are hard limits; outside of ``usual`` only a warning is given. ``depends_on`` maps the names of
    other fields to the values at which this field matters; a field that does not matter is neither shown nor checked for presence.
    """

    type: str
    title: str
    description: str
    section: str
    default: Any = MISSING
    required: bool = False
    nullable: bool = False
    choices: Optional[Sequence[Any]] = None
    minimum: Optional[float] = None
    maximum: Optional[float] = None
    exclusive_minimum: Optional[float] = None
    usual: Optional[Tuple[float, float]] = None
    unit: Optional[str] = None
    placeholder: Optional[str] = None
    widget: Optional[str] = None
    advanced: bool = False
    depends_on: Optional[Mapping[str, Sequence[Any]]] = None
    #: For paths: ``file``, ``folder`` or ``any``.
    path: Optional[str] = None
    path_must_exist: bool = False
    #: What the editor looks for when it offers paths: ``dataset``, ``candles``, ``model`` or ``python``.
    holds: Optional[str] = None
    #: JSON type of the items of an array.
    items: Optional[str] = None
    #: What an item of an array may be.
    item_choices: Optional[Sequence[Any]] = None
    #: How many items an array has.
    min_items: Optional[int] = None
    max_items: Optional[int] = None

    def to_schema(self, order: int) -> Dict[str, Any]:
        """The JSON Schema property; ``order`` is its place in the form."""
        schema: Dict[str, Any] = {
            "type": [self.type, "null"] if self.nullable else self.type,
            "title": self.title,
            "description": self.description,
            "x-section": self.section,
            "x-order": order,
        }
        if self.default is not MISSING:
            schema["default"] = self.default
        if self.choices is not None:
            schema["enum"] = list(self.choices) + ([None] if self.nullable else [])
        optional = {
            "minimum": self.minimum,
            "maximum": self.maximum,
            "exclusiveMinimum": self.exclusive_minimum,
            "minItems": self.min_items,
            "maxItems": self.max_items,
            "x-unit": self.unit,
            "x-placeholder": self.placeholder,
            "x-widget": self.widget or ("path" if self.path else None),
            "x-advanced": True if self.advanced else None,
            "x-usual-range": list(self.usual) if self.usual else None,
            "x-depends-on": {name: list(values) for name, values in self.depends_on.items()} if self.depends_on else None,
            "x-path": self._path_rule(),
            "items": self._items_schema(),
        }
        schema.update({key: value for key, value in optional.items() if value is not None})
        return schema

    def _path_rule(self) -> Optional[Dict[str, Any]]:
        if not self.path:
            return None
        return {"kind": self.path, "must_exist": self.path_must_exist, **({"holds": self.holds} if self.holds else {})}

    def _items_schema(self) -> Optional[Dict[str, Any]]:
        if self.items is None:
            return None
        return {"type": self.items, **({"enum": list(self.item_choices)} if self.item_choices is not None else {})}

    def problem_with(self, value: Any) -> Optional[str]:
        """What is wrong with a value, as the end of a sentence that begins with the field's name, or None."""
        if value is None:
            return None if self.nullable else "must not be empty"
        if isinstance(value, bool) and self.type != "boolean" or not isinstance(value, _PYTHON_TYPES[self.type]):
            # YAML and forms give 3.0 for an integer field, which is the same number.
            if not (self.type == "integer" and isinstance(value, float) and value.is_integer()):
                return "must be {} {}, not {!r}".format("an" if self.type[0] in "aio" else "a", self.type, value)
        if self.choices is not None and value not in self.choices:
            return "must be one of {}, not {!r}".format(", ".join(map(str, self.choices)), value)
        if self.type in ("integer", "number"):
            if isinstance(value, float) and not math.isfinite(value):
                return "must be a finite number"
            if self.minimum is not None and value < self.minimum:
                return "must be at least {:g}, not {:g}".format(self.minimum, value)
            if self.exclusive_minimum is not None and value <= self.exclusive_minimum:
                return "must be greater than {:g}, not {:g}".format(self.exclusive_minimum, value)
            if self.maximum is not None and value > self.maximum:
                return "must be at most {:g}, not {:g}".format(self.maximum, value)
        if self.min_items is not None and len(value) < self.min_items or self.max_items is not None and len(value) > self.max_items:
            return "must hold {}, not {}".format(self._count(), len(value))
        if self.items is not None:
            for index, item in enumerate(value):
                whole = self.items == "integer" and isinstance(item, float) and item.is_integer()
                if not (isinstance(item, _PYTHON_TYPES[self.items]) or whole) or isinstance(item, bool) and self.items != "boolean":
                    return "must hold values of type {}; item {} is {!r}".format(self.items, index + 1, item)
                if self.item_choices is not None and item not in self.item_choices:
                    return "can hold {}; item {} is {!r}".format(", ".join(map(str, self.item_choices)), index + 1, item)
        if self.required and self.type in ("string", "array") and len(value) == 0:
            return "must not be empty"
        return None

    def _count(self) -> str:
        """How many items it takes, in words."""
        if self.min_items == self.max_items:
            return counted(self.min_items or 0, "item")
        most = self.max_items
        return "at least {}".format(counted(self.min_items or 0, "item")) if most is None else "at most {}".format(counted(most, "item"))

    def coerce(self, value: Any) -> Any:
        """The value as the training code expects it (3.0 becomes 3 in an integer field)."""
        if self.type == "integer" and isinstance(value, float) and value.is_integer():
            return int(value)
        return value


def applies(field: Field, params: Mapping[str, Any]) -> bool:
    """Does the field matter, given the values of those that it depends on?"""
    return all(params.get(name) in list(values) for name, values in (field.depends_on or {}).items())


def schema_of(fields: Mapping[str, Field]) -> Dict[str, Any]:
    """The RecipeSchema of a set of fields. A field with ``depends_on`` is never in ``required``: it may not be shown at all."""
    required: List[str] = [name for name, field in fields.items() if field.required and not field.depends_on]
    return {
        "$schema": SCHEMA_DIALECT,
        "type": "object",
        "properties": {name: field.to_schema(order) for order, (name, field) in enumerate(fields.items())},
        "required": required,
        "additionalProperties": False,
    }
