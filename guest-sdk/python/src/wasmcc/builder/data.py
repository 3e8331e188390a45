"""Which files of the requirements a component keeps, beside the modules that it has imported, and
what of the standard library reads them."""

import re

from .tool import say

# Python takes 20 MB of the 32 MiB that a peer allows a component by default.
KEPT_BYTES = 8 << 20

# Modules that reading files of packages imports, and what reads them so. They have a price: among
# them is `random`, which is seeded for each transaction.
RESOURCES = ("importlib.metadata", "importlib.resources")
_READERS = re.compile(r"importlib(\.| import )(resources|metadata)|\bzoneinfo\b")


def resources(site, imports):
    """The modules that the requirements or the contract, which imports these, need for files."""
    packages = (path.read_text("utf-8", "replace") for path in sorted(site.rglob("*.py")))
    texts = ("\n".join(imports), *packages)
    return RESOURCES if any(_READERS.search(text) for text in texts) else ()


def left_out(site):
    """The names in the folder of packages whose files are too many; the largest come first."""
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
