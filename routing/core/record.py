"""A run's inputs as one compressed block, so that it can be replayed whatever changes later.

Frozen dataclasses of arrays, numbers, words, tuples and other such dataclasses go in; the same
come out, bit for bit: arrays as NumPy's .npz (never pickled), the rest as JSON beside them.
"""

import io
import json
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from typing import Any

import numpy as np

_META = "__meta__"


def pack(record: Any) -> bytes:
    """Return the compressed bytes of a frozen dataclass (or mapping) of arrays and plain values.

    Raises
    ------
    TypeError
        If a value is neither an array nor plain (number, text, None, list, tuple, mapping, set).
    """
    arrays: dict[str, np.ndarray[Any, Any]] = {}
    meta = _put(record, "", arrays)
    arrays[_META] = np.frombuffer(json.dumps(meta).encode(), dtype=np.uint8)
    block = io.BytesIO()
    np.savez_compressed(block, **arrays)  # type: ignore[arg-type]
    return block.getvalue()


def unpack(block: bytes, *types: type) -> Any:
    """Return what `pack` was given; `types` are the dataclasses that may occur in it.

    Raises
    ------
    ValueError
        If the block names a dataclass that is not among `types`.
    """
    with np.load(io.BytesIO(block), allow_pickle=False) as stored:
        arrays = {name: stored[name] for name in stored.files}
    meta = json.loads(arrays.pop(_META).tobytes().decode())
    return _take(meta, arrays, {kind.__name__: kind for kind in types})


def _put(value: Any, path: str, arrays: dict[str, np.ndarray[Any, Any]]) -> Any:
    if isinstance(value, np.ndarray):
        if value.dtype == object:
            raise TypeError(f"{path}: arrays of objects are not recorded")
        arrays[path] = value
        return {"array": path}
    if is_dataclass(value) and not isinstance(value, type):
        parts = {
            f.name: _put(getattr(value, f.name), f"{path}/{f.name}", arrays) for f in fields(value)
        }
        return {"class": type(value).__name__, "fields": parts}
    if isinstance(value, Mapping):
        items = [
            [_put(key, f"{path}.k{i}", arrays), _put(item, f"{path}.v{i}", arrays)]
            for i, (key, item) in enumerate(value.items())
        ]
        return {"map": items}
    if isinstance(value, (list, tuple)):
        kind = "list" if isinstance(value, list) else "tuple"
        return {kind: [_put(item, f"{path}.{i}", arrays) for i, item in enumerate(value)]}
    if isinstance(value, (frozenset, set)):
        return {"set": sorted(value)}
    if isinstance(value, np.generic):
        value = value.item()
    if value is None or isinstance(value, (bool, int, str)):
        return {"value": value}
    if isinstance(value, float):
        # JSON has no infinities; hex keeps every bit.
        return {"float": value.hex()}
    raise TypeError(f"{path}: {type(value).__name__} is not recorded")


def _take(meta: Any, arrays: Mapping[str, Any], types: Mapping[str, type]) -> Any:
    if "array" in meta:
        return arrays[meta["array"]]
    if "class" in meta:
        if meta["class"] not in types:
            raise ValueError(f"the record holds an unknown {meta['class']}")
        kind = types[meta["class"]]
        known = {f.name for f in fields(kind)}
        parts = {k: _take(v, arrays, types) for k, v in meta["fields"].items() if k in known}
        return kind(**parts)
    if "map" in meta:
        return {_take(k, arrays, types): _take(v, arrays, types) for k, v in meta["map"]}
    if "list" in meta:
        return [_take(item, arrays, types) for item in meta["list"]]
    if "tuple" in meta:
        return tuple(_take(item, arrays, types) for item in meta["tuple"])
    if "set" in meta:
        return frozenset(meta["set"])
    if "float" in meta:
        return float.fromhex(meta["float"])
    return meta["value"]
