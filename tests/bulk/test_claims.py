"""Claims of processes that share a folder."""

import os
import subprocess
import sys
import threading

import pytest

from elmo.bulk.claims import ALIVE, LOST, Claims


@pytest.fixture
def two(tmp_path):
    with Claims(tmp_path) as one, Claims(tmp_path) as other:
        yield one, other


def foreign(claims, name, owner):
    """A claim that somebody else has made."""
    (claims.folder / name).write_text(owner)
    (claims.folder / f"{owner}{ALIVE}").touch()


def age(claims, owner, seconds):
    path = claims.folder / f"{owner}{ALIVE}"
    now = path.stat().st_mtime
    os.utime(path, (now - seconds, now - seconds))


def test_a_claim_is_of_one(two):
    one, other = two
    assert one.claim("part-1")
    assert not other.claim("part-1") and not one.claim("part-1")
    assert other.claim("part-2")
    one.give_back("part-1")
    assert other.claim("part-1")


def test_of_many_threads_one_has_it(tmp_path):
    found, together = [], threading.Barrier(8)

    def take():
        with Claims(tmp_path) as claims:
            together.wait()
            found.extend(n for n in range(20) if claims.claim(f"part-{n}"))
            together.wait()

    threads = [threading.Thread(target=take) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(found) == list(range(20))


def test_the_end_gives_everything_back(tmp_path):
    with Claims(tmp_path) as one:
        assert one.claim("a") and one.claim("b")
    assert not list(one.folder.iterdir())


def test_a_process_of_this_host_that_has_ended(two):
    ended = subprocess.run(
        [sys.executable, "-c", "import os; print(os.getpid())"], capture_output=True, text=True
    ).stdout.strip()
    host = two[0].owner.rsplit("-", 2)[0]
    foreign(two[0], "part-1", f"{host}-{ended}-0123abcd")
    assert two[0].claim("part-1")
    assert (two[0].folder / "part-1").read_text() == two[0].owner


def test_a_process_of_another_host_is_lost_when_it_is_silent(two):
    owner = "other-host-1-0123abcd"
    foreign(two[0], "part-1", owner)
    assert not two[0].claim("part-1")
    age(two[0], owner, LOST - 20)
    assert not two[0].claim("part-1")
    age(two[0], owner, 40)
    assert two[0].claim("part-1")


def test_a_process_that_left_without_giving_back(two):
    owner = "other-host-1-0123abcd"
    foreign(two[0], "part-1", owner)
    (two[0].folder / f"{owner}{ALIVE}").unlink()
    assert two[0].claim("part-1")


def test_a_process_killed_before_it_wrote_its_name(two):
    path = two[0].folder / "part-1"
    path.touch()
    assert not two[0].claim("part-1")
    os.utime(path, (path.stat().st_mtime - LOST - 20,) * 2)
    assert two[0].claim("part-1")


def test_a_folder_that_is_gone(tmp_path):
    with Claims(tmp_path / "job") as one:
        for path in one.folder.iterdir():
            path.unlink()
        one.folder.rmdir()
        assert not one.claim("part-1")
