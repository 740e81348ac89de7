"""Checks values against the schemas of a Google discovery document.

Those schemas are JSON Schema draft 3 with habits of their own ("$ref" by name, "format" for numbers and times), so a
small validator of their dialect is easier to trust than a general one with exceptions.
"""

import datetime
import re

DATE_TIME = re.compile(r"^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?(Z|[+-]\d{2}:\d{2})$")
BOUNDS = {"int32": (-(2**31), 2**31 - 1), "uint32": (0, 2**32 - 1)}


class Mismatch(Exception):
    """A value that the published schema does not allow."""


def check(schemas, name, value):
    """Raises Mismatch unless `value` is what the schema called `name` describes."""
    _check(schemas, schemas[name], value, name)


def _check(schemas, schema, value, where):
    if "$ref" in schema:
        schema = schemas[schema["$ref"]]
    kind = schema.get("type")
    if kind == "any":
        return
    if kind == "object":
        _expect(isinstance(value, dict), where, "an object", value)
        known = schema.get("properties", {})
        others = schema.get("additionalProperties")
        for name, inner in value.items():
            if name in known:
                _check(schemas, known[name], inner, f"{where}.{name}")
            elif others is not None:
                _check(schemas, others, inner, f"{where}[{name!r}]")
            else:
                raise Mismatch(f"{where}: unknown property {name!r}")
    elif kind == "array":
        _expect(isinstance(value, list), where, "an array", value)
        for index, inner in enumerate(value):
            _check(schemas, schema["items"], inner, f"{where}[{index}]")
    elif kind == "boolean":
        _expect(isinstance(value, bool), where, "a boolean", value)
    elif kind == "integer":
        _expect(isinstance(value, int) and not isinstance(value, bool), where, "an integer", value)
        low, high = BOUNDS.get(schema.get("format"), (value, value))
        _expect(low <= value <= high, where, schema.get("format"), value)
    elif kind == "number":
        _expect(isinstance(value, (int, float)) and not isinstance(value, bool), where, "a number", value)
    elif kind == "string":
        _expect(isinstance(value, str), where, "a string", value)
        _check_text(schema, value, where)
    else:
        raise Mismatch(f"{where}: the schema has the unknown type {kind!r}")


def _check_text(schema, value, where):
    form = schema.get("format")
    if form == "date-time":
        _expect(DATE_TIME.match(value), where, "an RFC 3339 time", value)
    elif form == "date":
        try:
            datetime.date.fromisoformat(value)
        except ValueError:
            raise Mismatch(f"{where}: expected a date, got {value!r}") from None
    elif form in ("int64", "uint64"):
        _expect(re.match(r"^-?\d+$", value), where, form, value)
    if "enum" in schema:
        _expect(value in schema["enum"], where, f"one of {schema['enum']}", value)
    if "pattern" in schema:
        _expect(re.match(schema["pattern"], value), where, schema["pattern"], value)


def _expect(true, where, what, value):
    if not true:
        raise Mismatch(f"{where}: expected {what}, got {value!r}")
