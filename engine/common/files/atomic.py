"""Files and folders that are written beside their place and take it when they are whole: nobody ever reads half of one.

A draft is deleted when its writing fails. One whose process was killed stays; `abandoned` finds it by the process number
in its name.
"""

from __future__ import annotations

import errno
import os
import shutil
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

FILE_MODE, FOLDER_MODE = 0o644, 0o755
_standing: set[Path] = set()


def stands(folder: Path) -> None:
    """Never make this folder from now on: where it was moved away, what is written to its old place fails instead of beginning
    another one there."""
    _standing.add(folder.resolve())


def make_folder(folder: Path) -> None:
    """Make a folder and those above it, as needed. Raises FileNotFoundError where one is gone that stood."""
    if folder.is_dir():
        return
    if folder.resolve() in _standing:
        raise FileNotFoundError(errno.ENOENT, "this folder was moved or deleted meanwhile", str(folder))
    make_folder(folder.parent)
    folder.mkdir(exist_ok=True)


def write_text(path: Path, text: str, *, durable: bool = False) -> None:
    """Write `text` (UTF-8) to `path`, making folders as needed. The last writer wins."""
    write_bytes(path, text.encode(), durable=durable)


def write_bytes(path: Path, content: bytes, *, durable: bool = False) -> None:
    """Write `content` to `path`, making folders as needed. The last writer wins; a pipe or a device just takes it."""
    if path.exists() and not path.is_file():
        path.write_bytes(content)
        return
    with replacing(path, durable=durable) as draft:
        draft.write_bytes(content)


@contextmanager
def replacing(path: Path, *, durable: bool = False) -> Iterator[Path]:
    """An empty draft to write into, which replaces `path` when the block ends well; makes folders as needed.

    `durable` puts it on the disk first, so that it survives a power cut. A link keeps pointing to the file it names, and
    a file that is replaced keeps its permissions.
    """
    path = Path(os.path.realpath(path))
    make_folder(path.parent)
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=_prefix(path))
    os.close(descriptor)
    draft = Path(name)
    try:
        yield draft
        if durable:
            with draft.open("rb+") as file:
                os.fsync(file.fileno())
        draft.chmod(stat.S_IMODE(path.stat().st_mode) if path.exists() else FILE_MODE)
        os.replace(draft, path)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise


@contextmanager
def new_folder(path: Path) -> Iterator[Path]:
    """An empty draft folder to fill, which becomes `path` (absent or empty until then) when the block ends well.

    Raises OSError where another process has filled `path` meanwhile.
    """
    make_folder(path.parent)
    draft = Path(tempfile.mkdtemp(dir=path.parent, prefix=_prefix(path)))
    try:
        yield draft
        draft.chmod(FOLDER_MODE)
        os.replace(draft, path)
    finally:
        shutil.rmtree(draft, ignore_errors=True)


@contextmanager
def files_into(folder: Path) -> Iterator[Path]:
    """An empty draft folder, whose files move into `folder` one by one, each whole, when the block ends well."""
    make_folder(folder)
    with tempfile.TemporaryDirectory(dir=folder, prefix=_prefix(folder)) as draft:
        yield Path(draft)
        for file in Path(draft).iterdir():
            os.replace(file, folder / file.name)


def abandoned(folder: Path, start: str) -> list[Path]:
    """Drafts of files in `folder` whose names begin with `start`, left by processes that are dead."""
    return [draft for draft in folder.glob(f".{start}*-*-*") if not _writer_lives(draft)]


def _prefix(path: Path) -> str:
    return f".{path.name}-{os.getpid()}-"


def _writer_lives(draft: Path) -> bool:
    number = draft.name.rsplit("-", 2)[1]
    try:
        os.kill(int(number), 0)
    except ProcessLookupError:
        return False
    except (OSError, ValueError):  # a process of somebody else, or no draft of ours
        return True
    return True
