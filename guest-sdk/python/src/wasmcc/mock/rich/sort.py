"""The `sort` of a query, and the fields of an index."""

from dataclasses import dataclass

from . import field
from .documents import shown
from .refusal import refusal


@dataclass(frozen=True)
class Sort:
    """An order; without fields, any order."""

    fields: tuple = ()
    is_descending: bool = False

    @classmethod
    def parse(cls, specs):
        """Parses a list of fields."""
        if not isinstance(specs, list):
            reason = f"Sort must be an array of sort specs, not: {shown(specs)}"
            raise refusal("invalid_sort_json", reason)
        fields, ways = [], []
        for spec in specs:
            name, way = _field(spec)
            if ways and way != ways[-1]:
                reason = "Sorts currently only support a single direction for all fields."
                raise refusal("unsupported_mixed_sort", reason)
            ways.append(way)
            fields.append(field.parse(name))
        return cls(tuple(fields), "desc" in ways)


def _field(spec):
    if isinstance(spec, str):
        return spec, "asc"
    if not isinstance(spec, dict) or len(spec) != 1:
        raise refusal("invalid_sort_field", f"Invalid sort field: {shown(spec)}")
    ((name, way),) = spec.items()
    if way not in ("asc", "desc"):
        raise refusal("invalid_sort_dir", f"Invalid sort direction: {shown(spec)}")
    return name, way
