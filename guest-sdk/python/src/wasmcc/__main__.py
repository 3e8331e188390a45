"""`python -m wasmcc build DIR`: the command that `wasmcc build` runs for a contract in Python."""

import argparse
import sys

from .builder import BuildFailure, build
from .errors import Defect


def main():
    """Parses the arguments and builds."""
    parser = argparse.ArgumentParser(prog="python -m wasmcc")
    verbs = parser.add_subparsers(dest="verb", required=True)
    verb = verbs.add_parser("build", help="make a component of a contract; does not check it")
    verb.add_argument("folder", nargs="?", default=".", help="the contract's folder")
    verb.add_argument("--output", help="the path of the component [DIR/.wasmcc/contract.wasm]")
    verb.add_argument("--module", help="the contract's module [that of pyproject.toml]")
    verb.add_argument("--cache", help="where everything is made [DIR/.wasmcc]")
    args = parser.parse_args()
    try:
        path = build(args.folder, args.output, args.module, args.cache)
    except (BuildFailure, Defect) as error:
        print(error, file=sys.stderr)
        return 1
    print(path)
    return 0


if __name__ == "__main__":
    sys.exit(main())
