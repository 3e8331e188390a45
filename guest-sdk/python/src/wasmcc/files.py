"""Keeps files of the contract's packages in memory. A built component has no other files, but
packages read theirs at run time, such as time zones, schemas and modules that a function imports.

`open`, `os`, `pathlib`, `importlib` and code based on them read the files under their paths. For
all other paths Python's own functions run, and find nothing. Does not write, and has no
descriptors.
"""

import io
import os
import posixpath
import re
import stat
import sys
import types

_READ_ONLY = 0o444


class Files:
    """Contents of files by path, and functions that read them."""

    def __init__(self):
        self._contents = {}
        # The names in each folder.
        self._folders = {}
        self._open = io.open
        self._os = {name: getattr(os, name) for name in ("stat", "lstat", "listdir", "scandir")}

    def keep_packages(self, without):
        """Keeps the files that the build has staged: the contract and its requirements."""
        for root in sys.path:
            # componentize-py maps its folders there.
            if re.fullmatch(r"/\d+", root):
                self.keep(root, (__package__, *without))

    def keep(self, root, without=()):
        """Keeps all files below a folder, except for the names `without` directly in it."""
        waiting = [root]
        while waiting:
            folder = waiting.pop()
            names = [name for name in sorted(os.listdir(folder)) if name != "__pycache__"]
            if folder == root:
                names = [name for name in names if name not in without]
            self._folders[folder] = names
            for name in names:
                path = posixpath.join(folder, name)
                if os.path.isdir(path):
                    waiting.append(path)
                else:
                    with self._open(path, "rb") as file:
                        self._contents[path] = file.read()

    def functions(self):
        """Returns the replacements of Python's functions, for all loaded modules that use them:
        module, name, function."""
        own = {self._open: self.open, io.open_code: self.open_code}
        own.update((function, getattr(self, name)) for name, function in self._os.items())
        for module in list(sys.modules.values()):
            for name, value in list(getattr(module, "__dict__", {}).items()):
                if isinstance(value, types.BuiltinFunctionType) and value in own:
                    yield module, name, own[value]

    def open(
        self,
        file,
        mode="r",
        buffering=-1,
        encoding=None,
        errors=None,
        newline=None,
        closefd=True,
        opener=None,
    ):
        content = self._contents.get(_path(file))
        if content is None or set(mode) - set("rbt"):
            return self._open(file, mode, buffering, encoding, errors, newline, closefd, opener)
        raw = io.BytesIO(content)
        raw.name, raw.mode = file, mode
        if "b" in mode:
            return raw if buffering == 0 else io.BufferedReader(raw)
        text = io.TextIOWrapper(io.BufferedReader(raw), encoding, errors, newline)
        text.mode = mode
        return text

    def open_code(self, path):
        return self.open(path, "rb")

    def stat(self, path, *, dir_fd=None, follow_symlinks=True):
        found = self._stat(path) if dir_fd is None else None
        if found is None:
            return self._os["stat"](path, dir_fd=dir_fd, follow_symlinks=follow_symlinks)
        return found

    def lstat(self, path, *, dir_fd=None):
        return self.stat(path, dir_fd=dir_fd, follow_symlinks=False)

    def listdir(self, path="."):
        names = self._folders.get(_path(path))
        return self._os["listdir"](path) if names is None else list(names)

    def scandir(self, path="."):
        names = self._folders.get(_path(path))
        if names is None:
            return self._os["scandir"](path)
        return _Entries(Entry(self, os.fspath(path), name) for name in names)

    def _stat(self, path):
        path = _path(path)
        if path in self._folders:
            kind, size = stat.S_IFDIR | stat.S_IXUSR, 0
        elif path in self._contents:
            kind, size = stat.S_IFREG, len(self._contents[path])
        else:
            return None
        return os.stat_result((kind | _READ_ONLY, 0, 0, 1, 0, 0, size, 0, 0, 0))


class Entry:
    """A name in a folder, like `os.DirEntry`."""

    def __init__(self, files, folder, name):
        self.name = name
        self.path = posixpath.join(folder, name)
        self._stat = files.stat(self.path)

    def __fspath__(self):
        return self.path

    def is_dir(self, *, follow_symlinks=True):
        return stat.S_ISDIR(self._stat.st_mode)

    def is_file(self, *, follow_symlinks=True):
        return stat.S_ISREG(self._stat.st_mode)

    def is_symlink(self):
        return False

    def is_junction(self):
        return False

    def inode(self):
        return self._stat.st_ino

    def stat(self, *, follow_symlinks=True):
        return self._stat


class _Entries:
    """The result of `os.scandir`."""

    def __init__(self, entries):
        self._entries = entries

    def __iter__(self):
        return self

    def __next__(self):
        return next(self._entries)

    def __enter__(self):
        return self

    def __exit__(self, *raised):
        self.close()

    def close(self):
        self._entries.close()


def _path(path):
    """Returns a path in the form of the keys; None if it is not a path, such as a descriptor."""
    try:
        path = os.fspath(path)
    except TypeError:
        return None
    return posixpath.normpath(path) if isinstance(path, str) else None


def install():
    """Installs the functions. Runs before the contract's module, which may bind them to other
    names."""
    files = Files()
    for module, name, function in files.functions():
        setattr(module, name, function)
    return files
