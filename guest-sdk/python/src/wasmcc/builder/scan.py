"""Searches the contract's own modules for code that cannot work in a transaction, before the build.

Packages are not searched: code that is never called does no harm. Lines with the comment `wasmcc:
allow` are skipped.
"""

import ast
import importlib.util
import sys
from dataclasses import dataclass, field

from .failure import BuildFailure
from .project import find
from .tool import PYTHON

NETWORK = "a transaction has no network"
PROCESSES = "a transaction has no other processes"
THREADS = "a transaction has one thread, and waits for nothing"
FILES = "a transaction has no files but those of packages, which importlib.resources reads"
BESIDE = "only packages have files in a component: put them into a folder with an __init__.py"
# Conditions that are false in a component.
_NEVER = (
    "TYPE_CHECKING",
    "typing.TYPE_CHECKING",
    "__name__ == '__main__'",
    "'__main__' == __name__",
)
MODULES = {
    "socket": NETWORK,
    "socketserver": NETWORK,
    "ssl": NETWORK,
    "select": NETWORK,
    "selectors": NETWORK,
    "http.client": NETWORK,
    "http.server": NETWORK,
    "urllib.request": NETWORK,
    "ftplib": NETWORK,
    "imaplib": NETWORK,
    "poplib": NETWORK,
    "smtplib": NETWORK,
    "xmlrpc": NETWORK,
    "subprocess": PROCESSES,
    "multiprocessing": PROCESSES,
    "signal": PROCESSES,
    "pty": PROCESSES,
    "asyncio": THREADS,
    "concurrent.futures": THREADS,
    "sqlite3": FILES,
    "dbm": FILES,
    "shelve": FILES,
    "tempfile": FILES,
    "shutil": FILES,
    "glob": FILES,
    "mmap": FILES,
    "ctypes": "a component has no libraries of a machine",
}
NAMES = {
    "open": FILES,
    "io.open": FILES,
    "os.open": FILES,
    "os.listdir": FILES,
    "os.scandir": FILES,
    "os.walk": FILES,
    "os.mkdir": FILES,
    "os.makedirs": FILES,
    "os.remove": FILES,
    "input": "a transaction has no interactive input",
    "breakpoint": "a component has no debugger",
    "os.system": PROCESSES,
    "os.popen": PROCESSES,
    "os.fork": PROCESSES,
    "time.sleep": THREADS,
    "threading.Thread": THREADS,
    "threading.Timer": THREADS,
    "_thread.start_new_thread": THREADS,
}
# Methods of `pathlib.Path`.
METHODS = (
    "open",
    "read_text",
    "read_bytes",
    "write_text",
    "write_bytes",
    "iterdir",
    "glob",
    "rglob",
    "mkdir",
    "rmdir",
    "touch",
    "unlink",
)
# Functions that read files of the package or module in the first argument.
READERS = ("pkgutil.get_data", "importlib.resources.files")
ALLOW = "wasmcc: allow"
_SCOPES = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda, ast.ClassDef)


@dataclass
class Found:
    """The contract's modules with their files, and their imports."""

    modules: dict = field(default_factory=dict)
    imports: set = field(default_factory=set)
    refusals: list = field(default_factory=list)
    warnings: list = field(default_factory=list)


def scan(project):
    """Follows imports from the contract's module; raises `BuildFailure` with all refused lines."""
    found = Found()
    waiting = [project.module]
    while waiting:
        name = waiting.pop()
        file = find(project.root, name)
        if file is None or name in found.modules:
            continue
        found.modules[name] = file
        module = _Module(project, name, file, found)
        module.read()
        parents = name.split(".")[:-1]
        waiting += [".".join(parents[:length]) for length in range(1, len(parents) + 1)]
        waiting += sorted(module.imports)
        found.imports |= module.imports
    if found.refusals:
        raise BuildFailure("\n".join(found.refusals))
    return found


class _Module(ast.NodeVisitor):
    def __init__(self, project, name, file, found):
        self._path = file.relative_to(project.folder).as_posix()
        self._root = project.root
        self._module = name
        self._package = name if file.name == "__init__.py" else name.rpartition(".")[0]
        self._found = found
        self._file = file
        self._lines = []
        # Names that the module and each enclosing function bind: they are not the built-in ones.
        self._own = []
        # Names that a class binds in its body: its functions do not see them.
        self._of_class = set()
        # The meaning of a name in this module.
        self._known = {}
        # Names of variables that are paths.
        self._paths = set()
        self.imports = set()

    def read(self):
        """Reads the file."""
        try:
            source = self._file.read_bytes()
            tree = ast.parse(source, self._path)
            # Decoded like the parser does.
            self._lines = importlib.util.decode_source(source).split("\n")
            self._own = [set(_bound(tree))]
            self.visit(tree)
        except SyntaxError as error:
            line = f":{error.lineno}" if error.lineno else ""
            raise BuildFailure(f"{self._path}{line}: {error.msg}{_of_version()}") from None
        except (OSError, ValueError) as error:
            raise BuildFailure(f"{self._path}: {error}") from None
        except (RecursionError, MemoryError):
            raise BuildFailure(
                f"{self._path}: an expression is too long or nests too deep to be read: write it "
                "as several statements"
            ) from None

    def visit_If(self, node):
        test = ast.unparse(node.test)
        if test in _NEVER:
            runs = node.orelse
        elif test.startswith("not ") and test.removeprefix("not ") in _NEVER:
            runs = node.body
        else:
            return self.generic_visit(node)
        for statement in runs:
            self.visit(statement)

    def visit_Import(self, node):
        for alias in node.names:
            self._import(node, alias.name)
            top = alias.name.partition(".")[0]
            self._known[alias.asname or top] = alias.name if alias.asname else top

    def visit_ImportFrom(self, node):
        base = node.module or ""
        if node.level:
            parts = self._package.split(".") if self._package else []
            parts = parts[: len(parts) - node.level + 1]
            base = ".".join([*parts, base] if base else parts)
        self._import(node, base)
        for alias in node.names:
            full = f"{base}.{alias.name}".lstrip(".")
            self._import(node, full, is_module=False)
            self._known[alias.asname or alias.name] = full
            self._name(node, full)

    def visit_FunctionDef(self, node):
        arguments = node.args
        # Decorators and defaults belong to the enclosing scope.
        around = [*getattr(node, "decorator_list", ()), *arguments.defaults]
        around += filter(None, arguments.kw_defaults)
        for part in around:
            self.visit(part)
        of_class, self._of_class = self._of_class, set()
        self._own.append(set(_bound(node)))
        for part in (*ast.iter_child_nodes(arguments), *ast.iter_child_nodes(node)):
            if part is not arguments and part not in around:
                self.visit(part)
        self._own.pop()
        self._of_class = of_class

    visit_AsyncFunctionDef = visit_FunctionDef
    visit_Lambda = visit_FunctionDef

    def visit_ClassDef(self, node):
        around, self._of_class = self._of_class, set(_bound(node))
        self.generic_visit(node)
        self._of_class = around

    def visit_Name(self, node):
        is_own = any(node.id in names for names in (self._of_class, *self._own))
        is_builtin = node.id in NAMES and not is_own
        self._name(node, self._known.get(node.id, node.id if is_builtin else None))

    def visit_Attribute(self, node):
        self._name(node, self._dotted(node))
        self.visit(node.value)

    def visit_Call(self, node):
        function = node.func
        # Other classes may have methods of the same names.
        is_method = isinstance(function, ast.Attribute) and function.attr in METHODS
        if is_method and self._is_path(function.value):
            self._refuse(node, function.attr, FILES)
        made = self._dotted(function)
        if made in READERS:
            given = [*node.args, *(keyword.value for keyword in node.keywords)]
            self._reads(node, made, given[0] if given else ast.Name("__name__"))
        self.generic_visit(node)

    def visit_Assign(self, node):
        if self._is_path(node.value):
            self._paths.update(target.id for target in node.targets if isinstance(target, ast.Name))
        self.generic_visit(node)

    def visit_arg(self, node):
        if (self._dotted(node.annotation) or "").startswith("pathlib."):
            self._paths.add(node.arg)
        self.generic_visit(node)

    def visit_Global(self, node):
        names = ", ".join(node.names)
        self._found.warnings.append(
            f"{self._path}:{node.lineno}: warning: {names} is reset in each transaction; store "
            "lasting data on the ledger"
        )

    def _dotted(self, node):
        if isinstance(node, ast.Name):
            return self._known.get(node.id)
        if isinstance(node, ast.Attribute):
            value = self._dotted(node.value)
            return value and f"{value}.{node.attr}"
        return None

    def _is_path(self, node):
        """Returns true if an expression is obviously a path: `Path("a")`, `Path("a").parent / "b"`,
        or a variable with such a value."""
        if isinstance(node, ast.Call):
            made = self._dotted(node.func) or ""
            return made.startswith("pathlib.") or self._is_path(node.func)
        if isinstance(node, ast.BinOp):
            return self._is_path(node.left) or self._is_path(node.right)
        if isinstance(node, ast.Attribute):
            return self._is_path(node.value)
        return isinstance(node, ast.Name) and node.id in self._paths

    def _reads(self, node, what, of):
        """Adds a package of the contract that only this call names to the component."""
        if isinstance(of, ast.Name) and of.id == "__name__":
            name = self._module
        elif isinstance(of, ast.Constant) and isinstance(of.value, str):
            name = of.value
        else:
            return
        is_folder = self._root.joinpath(*name.split(".")).is_dir()
        if not is_folder and find(self._root, name) is None:
            # A package of the requirements.
            return
        package = name if is_folder else name.rpartition(".")[0]
        if package and self._root.joinpath(*package.split("."), "__init__.py").is_file():
            self.imports.add(package)
        else:
            self._refuse(node, what, BESIDE)

    def _import(self, node, name, is_module=True):
        if not name:
            return
        self.imports.add(name)
        for length in range(1, name.count(".") + 2):
            module = ".".join(name.split(".")[:length])
            if module in MODULES:
                self._refuse(node, module, MODULES[module])
                return

    def _name(self, node, name):
        if name in NAMES:
            self._refuse(node, name, NAMES[name])

    def _refuse(self, node, what, why):
        line = self._lines[node.lineno - 1] if node.lineno <= len(self._lines) else ""
        refusal = f"{self._path}:{node.lineno}: {what}: {why}"
        if ALLOW not in line and refusal not in self._found.refusals:
            self._found.refusals.append(refusal)


def _of_version():
    """Returns the text about different versions: the parser is that of the building Python."""
    own = "{}.{}".format(*sys.version_info)
    if own == PYTHON:
        return ""
    return (
        f", for the Python {own} that builds; the component has Python {PYTHON}\n"
        f"  hint: if {PYTHON} has this syntax, build with it, or use syntax that {own} has, too"
    )


def _bound(scope):
    """Returns the names that a module, a function or a class binds."""
    waiting = [scope]
    while waiting:
        node = waiting.pop()
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            yield node.name
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id
        elif isinstance(node, ast.arg):
            yield node.arg
        if node is scope or not isinstance(node, _SCOPES):
            waiting += ast.iter_child_nodes(node)
