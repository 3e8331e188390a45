"""Selects the files of the requirements that a component keeps besides its imported modules, and
the standard library's modules that read them."""

import re

from .tool import say

# Python takes 20 MB of the 32 MiB that a peer allows a component by default.
KEPT_BYTES = 8 << 20

# Modules that reading files of packages imports, and those that read them. They have a cost: one of
# them is `random`, which is seeded for each transaction.
RESOURCES = ("importlib.metadata", "importlib.resources")
_READERS = re.compile(r"importlib(\.| import )(resources|metadata)|\bzoneinfo\b")


def resources(site, imports):
    """Returns the modules that the requirements or the contract need for files. `imports` are the
    contract's imports."""
    packages = (path.read_text("utf-8", "replace") for path in sorted(site.rglob("*.py")))
    texts = ("\n".join(imports), *packages)
    return RESOURCES if any(_READERS.search(text) for text in texts) else ()


def left_out(site):
    """Returns the names in the folder of packages whose files do not fit; the largest come first.
    """
    sizes = {path.name: _size(path) for path in sorted(site.iterdir())}
    without = []
    while sum(sizes.values()) > KEPT_BYTES:
        largest = max(sizes, key=sizes.get)
        without.append(largest)
        say(
            f"warning: the files of {largest} ({sizes.pop(largest) / 1e6:.0f} MB) are too large "
            "for a component, and are not in it: what the package reads or imports in a "
            "transaction is not found"
        )
    return without


def _size(path):
    files = path.rglob("*") if path.is_dir() else [path]
    return sum(file.stat().st_size for file in files if file.is_file())
