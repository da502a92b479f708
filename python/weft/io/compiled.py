"""Parsers, kept for the specs that come again and again: they learn the order of the keys."""

from collections.abc import Callable, Mapping
from typing import Any

from weft.config import Limits
from weft.errors import WrongTypeError

_Specs = tuple[Mapping[str, Any], ...]


def _same(now: Any, then: Any) -> bool:
    """Equal, and of the same types all through: RowSplits("k") == RowLengths("k"), and 1 == 1.0."""
    if now is then:
        return True
    if type(now) is not type(then):
        return False
    if isinstance(now, (list, tuple)):
        return len(now) == len(then) and all(map(_same, now, then))
    return now == then or (now != now and then != then)  # nan


class _Compiled:
    """A parser, and what its specs were when it was made."""

    def __init__(self, make: Callable[..., Any], specs: _Specs, *options: Any) -> None:
        self.parser = make(*specs, *options)
        self.made_by = (make, *options)
        self.specs = [dict(spec) for spec in specs]
        # What a caller could change inside a feature.
        self.lists = [
            (field, field.copy())
            for spec in self.specs
            for feature in spec.values()
            for field in feature
            if isinstance(field, list)
        ]

    def fits(self, make: Callable[..., Any], specs: _Specs, *options: Any) -> bool:
        return (
            self.made_by == (make, *options)
            and all(
                then.keys() == now.keys()
                and all(_same(now[key], feature) for key, feature in then.items())
                for then, now in zip(self.specs, specs, strict=True)
            )
            and all(_same(now, then) for now, then in self.lists)
        )


_compiled: tuple[_Compiled, ...] = ()
_KEPT = 16


def parser_of(
    make: Callable[..., Any], *specs: Mapping[str, Any], strict: bool, limits: Limits | None
) -> Any:
    """`make(*specs, strict, limits)`, or the parser that it gave for these before."""
    if not isinstance(limits, Limits | None):
        raise WrongTypeError(f"`limits` must be a weft.Limits or None, got {limits!r}")
    global _compiled
    kept = _compiled
    for compiled in kept:
        if compiled.fits(make, specs, strict, limits):
            return compiled.parser
    compiled = _Compiled(make, specs, strict, limits)
    _compiled = (compiled, *kept[: _KEPT - 1])
    return compiled.parser
