"""All files of one target: found, followed through rotation, read in bounded passes, remembered."""

from collections.abc import Sequence
from pathlib import Path

import structlog

from services.collector.sources.logs.discovery import Found, discover, generations, is_copy_of, locate
from services.collector.sources.logs.followed import Followed
from services.collector.sources.logs.formats import BY_KEY
from services.collector.sources.logs.model import LogTarget
from services.collector.sources.logs.pipe import PipeReader
from services.collector.sources.logs.position import Position, holds, starts_alike
from services.collector.sources.logs.reader import LineReader
from services.collector.sources.logs.state import Saved, StateFile
from services.collector.sources.logs.tally import Tally

log = structlog.get_logger(__name__)
_BUDGET = 1024 * 1024


class Tail:
    """Blocking, and used by one thread at a time: each call is one job of the source's thread."""

    def __init__(self, target: LogTarget, base: Path, state: StateFile) -> None:
        self._target, self._base, self._state = target, base, state
        self._form = BY_KEY[target.format]
        self.tally = Tally(target, self._form)
        self.files: dict[tuple[int, int], Followed] = {}
        self.pipes: dict[str, PipeReader] = {}
        self.ignored = 0
        self.denied: dict[str, str] = {}
        """Files that can't be opened, with the operating system's words."""
        self.state_error = ""
        self._written: tuple[object, ...] | None = None
        self._owned = False
        self._first = True

    def own(self) -> bool:
        """Take the state over, once; return False while another collector has it."""
        if not self._owned and self._state.acquire():
            self._owned = True
            saved = self._state.read()
            if saved is not None:
                self.tally.restore(saved.counts, saved.groups, saved.other)
                # What only new patterns name is met for the first time, like everything at the very first start.
                self._first = saved.paths != list(self._target.paths)
                self._resume(saved)
        return self._owned

    def read(self, now: float, monotonic: float) -> bool:
        """Find files and read a bounded part of what is new; return whether there may be more."""
        found, self.ignored = discover(self._target, self._base)
        for followed in list(self.files.values()):
            if followed.reader.was_replaced():
                self._replaced(followed, now)
        self._meet(found, monotonic)
        self._first = False
        share = max(_BUDGET // max(1, len(self.files)), 64 * 1024)
        more = [followed.read(share, now, monotonic) for followed in list(self.files.values())]
        more += [pipe.read(share, now, monotonic) for pipe in self.pipes.values()]
        self._drop_gone(now, monotonic)
        self.tally.groups.forget(now)
        return any(more)

    def checkpoint(self, now: float) -> None:
        """Remember positions and counts together; a failure is logged when it begins, and kept in `state_error`."""
        groups, tally = self.tally.groups, self.tally
        groups.settle()
        present = self._fresh()
        if present == self._written and not self.state_error:
            return
        positions = [followed.position() for followed in self.files.values()]
        saved = Saved(now, list(self._target.paths), positions, tally.counts, list(groups.table.values()), groups.other)
        try:
            self._state.write(saved)
        except OSError as error:
            if not self.state_error:
                log.warning("log_state_not_written", target=self._target.name, error=error)
            self.state_error = f"{self._state.path}: {error.strerror}; what is read now would count again at a restart"
        else:
            self.state_error, self._written = "", present

    def _fresh(self) -> tuple[object, ...]:
        # What changes whenever the state does; an idle log costs no writing.
        counts, table = self.tally.counts, self.tally.groups.table
        read = (counts.bytes_read, counts.bytes_skipped, counts.unparsed, sum(counts.levels.values()))
        paths = tuple(followed.reader.path for followed in self.files.values())
        return (*read, sum(counts.rotations.values()), paths, len(table), sum(group.shown for group in table.values()))

    def close(self, now: float) -> None:
        """Remember all and close the files; a record whose further lines are waited for is read again next time."""
        if self._owned:
            self.checkpoint(now)
        for followed in self.files.values():
            followed.close()
        for pipe in self.pipes.values():
            pipe.close()
        self.files.clear()
        self.pipes.clear()
        self._owned = False
        self._state.release()

    def _resume(self, saved: Saved) -> None:
        found, _ = discover(self._target, self._base)
        for position in saved.positions:
            file = locate(position, found)
            if file is not None:
                self._follow(file.path, position.offset, skipping=position.skipping, live=position.path)
            if not position.gone and (file is None or file.path != position.path):
                self._rotated_while_away(position, file, found, saved.at)

    def _rotated_while_away(self, old: Position, file: Found | None, found: Sequence[Found], at: float) -> None:
        if file is not None:
            self.tally.rotated("renamed" if file.inode == old.inode else "copied", old.path)
        elif old.offset:
            self.tally.rotated("lost", old.path)
        # Whole generations may lie between the file that was read and the one that is written to now.
        named = {one.path for one in found}
        for older in generations(old.path):
            newer = older.modified >= (file.modified if file is not None else at)
            if newer and older.identity not in self.files and older.path not in named:
                self._follow(older.path, 0, live=old.path)

    def _replaced(self, followed: Followed, now: float) -> None:
        read = followed.reader.read_up_to()
        followed.finish(now)
        copies = [file for file in generations(read.path) if file.inode != read.inode and holds(file.path, read)]
        self.tally.rotated("copied" if copies else "truncated", read.path)
        if copies and copies[-1].identity not in self.files:
            self._follow(copies[-1].path, read.offset, skipping=read.skipping, live=read.path)
        followed.reader.begin_again()

    def _meet(self, found: Sequence[Found], monotonic: float) -> None:
        self.denied = {}
        present = set()
        for file in found:
            if file.pipe:
                self._meet_pipe(file.path)
                continue
            present.add(file.identity)
            known = self.files.get(file.identity)
            if known is None:
                self._meet_new(file)
            else:
                known.reader.path, known.gone_since = file.path, None
        for identity, followed in self.files.items():
            if identity not in present and followed.gone_since is None:
                followed.gone_since = monotonic

    def _meet_new(self, file: Found) -> None:
        if self._first:
            self._follow(file.path, 0, at_end=self._target.start_at == "end")
            return
        for other in list(self.files.values()):
            read = other.reader.read_up_to()
            if not is_copy_of(file.path, read.path):
                continue
            if holds(file.path, read):
                # A copy made so that the other can be truncated: what follows in it may never be read from there.
                self._follow(file.path, read.offset, skipping=read.skipping)
                return
            if file.size < read.offset and starts_alike(file.path, read.path):
                # The copy is still being written.
                return
        self._follow(file.path, 0)

    def _follow(self, path: str, offset: int, *, skipping: bool = False, at_end: bool = False, live: str = "") -> None:
        try:
            reader = LineReader(path, offset, max_line=int(self._target.max_line), skipping=skipping)
        except FileNotFoundError:
            return
        except OSError as error:
            self.denied[path] = error.strerror or type(error).__name__
            return
        # The name that it was written under: the next rotation gives an older generation another one.
        reader.path = live or path
        if at_end:
            reader.go_to_end()
        old = self.files.pop(reader.identity, None)
        if old is not None:
            old.close()
        self.files[reader.identity] = Followed(reader, self._form, self._target, self.tally)

    def _meet_pipe(self, path: str) -> None:
        if path not in self.pipes:
            try:
                self.pipes[path] = PipeReader(path, self._form, self._target, self.tally)
            except OSError as error:
                self.denied[path] = error.strerror or type(error).__name__

    def _drop_gone(self, now: float, monotonic: float) -> None:
        for identity, followed in list(self.files.items()):
            since = followed.gone_since
            if since is not None and monotonic - since >= self._target.rotate_wait and not followed.behind:
                self.tally.rotated("renamed", followed.reader.path)
                followed.finish(now)
                followed.close()
                del self.files[identity]
