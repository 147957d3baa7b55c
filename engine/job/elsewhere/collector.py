"""The collector: the one process at home that answers for runs sent elsewhere, and the only one that writes their rows.

`python -m engine.job.elsewhere.collector --home DIR RUN...`, all runs of one sweep together. It hands the runs over, inserts
what their row files hold, follows what the queue says of their jobs, passes stops on, and says how each run ended. It may
be killed at any time: rows are in the files, jobs in the queue, and inserting a row twice changes nothing.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from loguru import logger

from db import store
from db.errors import DatabaseBusy, DiskFull
from db.home import Home
from db.session import DatabaseFile, open_database, reading, writing
from db.specs import UserError
from engine.common.files.atomic import make_folder
from engine.common.sent import KILL, Sent, forget, sent, wished
from engine.job.claims import take
from engine.job.elsewhere.machine import Machine, Nowhere, Status, Unreachable, Verdict, judged, with_its_log
from engine.job.elsewhere.member import Member, answers_for
from engine.job.elsewhere.parcel import STOP
from engine.job.elsewhere.places import machine, resources, root
from engine.job.worker import LOG_FORMAT, THIS_RUN
from engine.serving.notices import notify

LOOK_S = 0.5
"""From one look at the row files to the next."""
ASK_S = 2.0
"""From one question to the queue to the next."""
PROMISE_S = 120
"""Longest silence that is announced: a network disk may show what was written only after a minute."""
BEAT_S = 15.0
"""From one sign of life of a run that waits to the next."""
LAST_WORDS = 6
"""Questions to the queue during which a last word may still come through after a job has gone."""
LAST_FILES = 60
"""Questions to the queue during which a file may still come through that a row promises."""
MOST_BYTES = 8000
"""Of a queue's log that are taken over."""
MOST_TRIES = 6
"""How often one run is handed in while its nodes are taken away."""


class Collector:
    """Some runs and the machine that they are on."""

    def __init__(self, home: Home, database: DatabaseFile, machine: Machine, members: Sequence[Member]) -> None:
        self.home, self.database, self.machine = home, database, machine
        self.members, self.open = tuple(members), list(members)
        self._asked_at = -ASK_S
        self._statuses: Mapping[str, Status] = {}

    def run(self) -> None:
        """Until all runs have ended."""
        self.begin()
        while self.open:
            self.turn()
            time.sleep(LOOK_S)

    def begin(self) -> None:
        """Find the jobs again that an earlier collector handed in; hand in the others."""
        for member in self.open:
            before = sent(member.run_dir)
            if before is None or not Path(before.folder).is_dir():
                continue
            member.attach(before)
            self._collect(member)
            over = member.ended is not None and member.ended.state != "stopped"
            if not (self.machine.lasting or over):
                member.bring_all()
                member.sent = None
        self._send([member for member in self.open if member.sent is None])

    def turn(self) -> None:
        """Look once."""
        self.database.must_stand()
        fresh = time.monotonic() - self._asked_at >= ASK_S
        if fresh:
            self._ask()
            self._send([one for one in self.open if one.sent is None])
        self._pass_on()
        for member in [one for one in self.open if one.sent is not None]:
            try:
                self._see(member, fresh)
            except (DatabaseBusy, DiskFull, OSError) as error:  # also of a network disk that is away for a while
                logger.warning("{}: {}; trying again", member.claimed.label, error)

    def _ask(self) -> None:
        self._asked_at = time.monotonic()
        try:
            self._statuses = self.machine.statuses([one.sent.job for one in self.open if one.sent is not None])
        except Unreachable as error:
            self._statuses = {}
            logger.warning("{} does not answer: {}", self.machine.name, error)

    def _pass_on(self) -> None:
        """What people asked of runs: nicely first."""
        for member in list(self.open):
            asked = wished(member.run_dir)
            if asked in ("", member.asked):
                continue
            if member.sent is None:
                self._end(member, Verdict("stopped", f"stopped before {self.machine.name} answered", 0))
                continue
            status = self._statuses.get(member.sent.job)
            (member.folder / STOP).touch()
            with suppress(Unreachable):
                if asked == KILL or status is None or status.kind == "waiting":
                    self.machine.kill([member.sent.job])
                else:
                    self.machine.ask_to_stop([member.sent.job])
                member.asked = asked

    def _see(self, member: Member, fresh: bool) -> None:
        assert member.sent is not None, "what is open was handed in"
        status = self._statuses.get(member.sent.job)
        waits = status is not None and status.kind == "waiting"
        if not waits or member.begun:
            self._collect(member)
        if waits and time.monotonic() - member.beat >= BEAT_S:
            self._heard(member)
        if member.ended is None and member.sent.log and status is not None and status.kind == "gone":
            status = with_its_log(status, _last_of(Path(member.sent.log)))
        place, asked = self.machine.name, bool(member.asked)
        verdict = judged(status, member.ended, begun=member.begun, asked=asked, place=place)
        if verdict is None or (status is not None and status.kind == "gone" and self._may_still_speak(member, fresh)):
            return
        if verdict.again and member.sent.tried < MOST_TRIES:
            self._note(member, verdict)
            member.bring_all()
            self._send([member])
        elif verdict.again:
            self._end(member, Verdict("lost", f"{place} took its node away {MOST_TRIES} times"))
        elif verdict.state == "done" and self._files_still_come(member, fresh):
            return
        elif verdict.state in store.ENDED:
            self._end(member, verdict)
        else:
            self._note(member, verdict)

    def _collect(self, member: Member) -> None:
        """Rows and the word that the run lives, in one transaction; where it fails, they are kept and tried again."""
        member.read()
        while member.unstored:
            self._heard(member)

    def _heard(self, member: Member) -> None:
        with writing(self.database) as session:
            frames = member.store(session)
            store.heartbeat(session, process_id=member.claimed.process_id, promise_s=PROMISE_S)
        member.stored(frames)
        member.beat = time.monotonic()

    def _may_still_speak(self, member: Member, fresh: bool) -> bool:
        """A row file on a network disk is seen a while after it was written."""
        if member.ended is not None or (member.asked and not member.begun):
            return False
        member.unheard += fresh
        return member.unheard < LAST_WORDS

    def _files_still_come(self, member: Member, fresh: bool) -> bool:
        """What was written last is seen last on a network disk; `fsck` names what never comes."""
        missing = member.missing_files()
        member.unheard += fresh and bool(missing)
        if missing and member.unheard >= LAST_FILES:
            member.say(f"not found below {member.root}: {', '.join(missing)}\n".encode())
        return bool(missing) and member.unheard < LAST_FILES

    def _note(self, member: Member, verdict: Verdict) -> None:
        """Where a run stands that has not ended."""
        if (member.state, member.reason) == (verdict.state, verdict.reason):
            return
        member.state, member.reason = verdict.state, verdict.reason
        logger.info("{}: {} {}", member.claimed.label, verdict.state, verdict.reason)
        claimed, first = member.claimed, verdict.state == "running" and not member.worked
        with writing(self.database) as session:
            store.say_elsewhere(
                session,
                run_id=claimed.run_id,
                process_id=claimed.process_id,
                state=verdict.state,
                waiting=verdict.reason,
                first=first,
            )
        member.worked = member.worked or first

    def _send(self, members: Sequence[Member]) -> None:
        """Hand runs in together, when the queue answers; where it refuses them they end, and say why."""
        if not members or not self._answers(members):
            return
        try:
            with reading(self.database) as session:
                answers = answers_for(session, members, self.home, members[0].root)
                folders = [member.hand_over(session, answers) for member in members]
                wanted = resources(session, members[0].claimed.run_id)
            name = f"leverplus-{'-'.join(dict.fromkeys((members[0].claimed.label, members[-1].claimed.label)))}"
            jobs = self.machine.submit(folders, wanted, name)
        except (UserError, OSError) as error:
            for member in list(members):
                self._end(member, Verdict("failed", str(error), getattr(error, "exit_code", 1)))
            return
        for member, folder, (job, log) in zip(members, folders, jobs, strict=True):
            tried = member.sent.tried + 1 if member.sent else 1
            member.sent = Sent(self.machine.name, job, str(folder), log, tried)
            member.sent.keep(member.run_dir)
            member.say(member.sent.heading().encode())
            self._note(member, Verdict("queued", f"{self.machine.name}: handed in as job {job}"))

    def _answers(self, members: Sequence[Member]) -> bool:
        try:
            self.machine.statuses([])
        except Unreachable:
            for member in members:
                self._note(member, Verdict("queued", f"{self.machine.name} does not answer: handed in when it does"))
            return False
        return True

    def _end(self, member: Member, verdict: Verdict) -> None:
        label = member.claimed.label
        reason = verdict.reason.replace(THIS_RUN, label).replace("{run}", label)
        with suppress(OSError):
            member.bring_all()
        if member.sent is not None and member.sent.log and member.ended is None:
            member.say(_last_of(Path(member.sent.log)))
        if member.ended is None or verdict.reason != member.ended.reason:
            member.say(f"{label}: {verdict.state} {reason}\n".encode())
        with writing(self.database) as session:
            store.end_process(
                session,
                process_id=member.claimed.process_id,
                state=verdict.state,
                exit_code=verdict.exit_code,
                reason=reason,
            )
            name = store.get_run(session, run_id=member.claimed.run_id).name
        forget(member.run_dir)
        self.open.remove(member)
        if not self.open:  # what was handed in together lies together
            for one in self.members:
                one.clear()
        if told := notify({"run": label, "name": name, "state": verdict.state, "reason": reason}):
            logger.warning("{}", told)


def _last_of(log: Path) -> bytes:
    """What was said where nobody else heard it: the interpreter's error, Slurm's reason for killing."""
    try:
        return log.read_bytes()[-MOST_BYTES:]
    except OSError:
        return b""


def claimed(home: Home, database: DatabaseFile, names: Sequence[str]) -> list[Member]:
    """The runs, with this process as the one that answers for them."""
    with writing(database) as session:
        jobs = [take(session, home, database, name) for name in names]
        far = root(session, home, jobs[0].run_id)
    for job in jobs:
        make_folder(home.run_dir(job.run_id))
    return [Member(job, far) for job in jobs]


def main(arguments: Sequence[str] | None = None) -> int:
    """Entry point."""
    parser = argparse.ArgumentParser(
        prog="python -m engine.job.elsewhere.collector", description="Collect rows of runs."
    )
    parser.add_argument("--home", required=True, type=Path, help="home folder")
    parser.add_argument("runs", nargs="+", metavar="run", help="run, such as r12")
    asked = parser.parse_args(arguments)
    logger.remove()
    logger.add(sys.stderr, format=LOG_FORMAT, level="INFO", backtrace=False, diagnose=False)
    home = Home(asked.home)
    try:
        database = open_database(home.database, is_there=True)
        collected(home, database, claimed(home, database, asked.runs))
    except UserError as error:
        logger.error("{}", error)
        return error.exit_code
    return 0


def collected(home: Home, database: DatabaseFile, members: Sequence[Member]) -> None:
    """Follow runs to their ends; a machine that does not answer at all ends them here."""
    with reading(database) as session:
        try:
            place = machine(session, members[0].claimed.run_id)
        except UserError as error:
            place = Nowhere(error)
    Collector(home, database, place, members).run()


if __name__ == "__main__":
    sys.exit(main())
