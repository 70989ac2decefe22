"""YAML that people write: read strictly, in bounded time and memory.

PyYAML reads YAML 1.1: a number like 1e-3 is text to it, a date is an object, and of two equal keys the
last one counts. Here a number is a number, a date is text, and two equal keys are an error, as in the
YAML 1.2 that DVC reads. What is written is quoted so that it is read back as it was.
"""

import re
from pathlib import Path
from typing import Any

import yaml

from text2pixels.errors import InputError

_LARGEST = 1_000_000  # bytes; a configuration has a few thousand
_DEEPEST = 50  # levels; a configuration has five
_MOST = 50_000  # values once every alias is written out

_FLOAT = re.compile(r"[-+]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)[eE][-+]?[0-9]+")
_FIRST = list("-+.0123456789")
_NO_TEXT = re.compile("[\0\ud800-\udfff]")


class _Loader(yaml.SafeLoader):
    """Composes nodes with their extent, so that what would explode is refused before it is built."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self._level = 0
        self._extents: dict[int, tuple[int, int]] = {}  # node -> values in it, levels of it; aliases written out

    def compose_node(self, parent: Any, index: Any) -> Any:  # noqa: ANN401
        event = self.peek_event()  # type: ignore[no-untyped-call]
        alias = isinstance(event, yaml.AliasEvent)
        if not alias and event.tag not in (None, "!"):
            raise yaml.MarkedYAMLError(problem=f"the tag {event.tag} is not read", problem_mark=event.start_mark)
        if _NO_TEXT.search(getattr(event, "value", "")):
            problem = r"half of a character (\ud800 and its kin) or a zero (\0), which no file's name can hold"
            raise yaml.MarkedYAMLError(problem=problem, problem_mark=event.start_mark)
        self._level += 1
        if self._level > _DEEPEST:
            raise yaml.MarkedYAMLError(problem=f"more than {_DEEPEST} levels", problem_mark=event.start_mark)
        node = super().compose_node(parent, index)
        self._level -= 1
        if alias and id(node) not in self._extents:
            raise yaml.MarkedYAMLError(problem="a value that holds itself", problem_mark=event.start_mark)
        if not alias:
            self._extents[id(node)] = self._extent(node)
        return node

    def compose_mapping_node(self, anchor: Any) -> Any:  # noqa: ANN401
        node = super().compose_mapping_node(anchor)
        lines: dict[str, int] = {}
        for key, _ in node.value:
            if key.tag not in ("tag:yaml.org,2002:str", "tag:yaml.org,2002:merge"):
                raise yaml.MarkedYAMLError(
                    problem=f"the key {getattr(key, 'value', '')!r} is no text: quote it", problem_mark=key.start_mark
                )
            if key.value in lines:
                raise yaml.MarkedYAMLError(
                    problem=f"the key '{key.value}' is in line {lines[key.value]} already: keep one of them",
                    problem_mark=key.start_mark,
                )
            lines[key.value] = key.start_mark.line + 1
        return node

    def _extent(self, node: Any) -> tuple[int, int]:  # noqa: ANN401
        children = []
        if isinstance(node, yaml.MappingNode):
            children = [each for pair in node.value for each in pair]
        elif isinstance(node, yaml.SequenceNode):
            children = node.value
        extents = [self._extents[id(child)] for child in children]
        values, levels = 1 + sum(count for count, _ in extents), 1 + max((depth for _, depth in extents), default=0)
        if values > _MOST or levels > _DEEPEST:
            raise yaml.MarkedYAMLError(problem="aliases that grow beyond all bounds", problem_mark=node.start_mark)
        return values, levels


class _Dumper(yaml.SafeDumper):
    """Quotes text that the loader would take for a number."""


# Dates stay text: JSON has none, and no key here takes one.
_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if not tag.endswith(":timestamp")]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
for _class in (_Loader, _Dumper):
    _class.add_implicit_resolver("tag:yaml.org,2002:float", re.compile(f"^(?:{_FLOAT.pattern})$"), _FIRST)


def read_mapping(path: Path, mend: str) -> dict[str, Any]:
    """Read a YAML file that holds a mapping, of UTF-8 with or without a byte-order mark.

    Args:
        path: A regular file.
        mend: What to do where there is none, for the message.

    Raises:
        InputError: missing, no regular file, too large, not UTF-8, not YAML, or not a mapping; a key that is
            there twice or is no text, a tag, or nesting and aliases without bounds.
    """
    try:
        if path.exists() and not path.is_file():
            raise InputError(f"cannot read {path}: it is no regular file; {mend}")
        if path.stat().st_size > _LARGEST:
            raise InputError(f"{path} is larger than {_LARGEST // 10**6} MB: that is no configuration; {mend}")
        data = parse(path.read_bytes().decode("utf-8-sig"), str(path))
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror}; {mend}") from error
    except UnicodeDecodeError as error:
        raise InputError(f"{path} is not UTF-8 (byte {error.start}): save it as UTF-8; {mend}") from error
    if not isinstance(data, dict):
        raise InputError(f"{path} should hold a mapping of sections, found {type(data).__name__}; {mend}")
    return data


def parse(text: str, origin: str) -> Any:  # noqa: ANN401
    """Return the value of a YAML text.

    Args:
        text: One YAML document.
        origin: Where it comes from, for the message.

    Raises:
        InputError: see `read_mapping`.
    """
    try:
        loader = _Loader(text)
        try:
            return loader.get_single_data()
        finally:
            loader.dispose()
    except yaml.MarkedYAMLError as error:
        place = f" in line {error.problem_mark.line + 1}" if error.problem_mark else ""
        said = " ".join(f"{error.context or ''} {error.problem or ''}".split())
        raise InputError(f"{origin} is not YAML{place}: {said}") from error
    except (yaml.YAMLError, ValueError) as error:  # a character that is not allowed; a number like 0x_
        raise InputError(f"{origin} is not YAML: {' '.join(str(error).split())}") from error


def dump(content: dict[str, Any]) -> str:
    """Return a mapping as YAML, in the order of its keys."""
    text: str = yaml.dump(content, Dumper=_Dumper, sort_keys=False, width=100)
    return text
