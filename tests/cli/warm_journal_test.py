"""The journal of warm: what a run that was broken off leaves to the next."""

import random
import re
import resource
import subprocess

import pytest
from conftest import COMMAND, EFFORT, run
from fleet import until


def test_a_journal_is_of_the_keys_that_were_named(four, write, tmp_path):
    journal = tmp_path / "journal"
    keys = [b"k%d" % i for i in range(3000)]
    arguments = ["warm", "--from-servers", four[0].address, "--servers", four[1].address, "--go",
                 "--journal", str(journal), "--keys"]
    with four[0].connect() as near, four[1].connect() as far:
        near.set_many((key, b"value", 0, 0) for key in keys)
        some = write(b"\n".join(keys[:2500]), "some")
        with subprocess.Popen([COMMAND, *arguments, some, "--rate", "500"],
                              stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as warm:
            until(lambda: far.count() > 1)  # more than the mark of the beginning
            warm.kill()
        result = run(*arguments, write(b"\n".join(keys[500:]), "others"), check=2)
        assert b"other keys were named" in result.stderr
        run(*arguments, some, check=0)
        assert set(far.listing()) == set(keys[:2500])
        assert not journal.exists()


def test_a_journal_that_cannot_be_written_any_more_ends_the_work(four, tmp_path):
    keys = [b"key:%05d" % i for i in range(5000)]
    arguments = ["warm", "--from-servers", four[0].address, "--servers", four[1].address, "--go",
                 "--concurrency", "500", "--journal", str(tmp_path / "journal")]
    with four[0].connect() as near, four[1].connect() as far:
        near.set_many((key, b"old", 0, 0) for key in keys)

        def limit():  # a full disk, but that the signal is ignored as Python itself does
            resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000))

        # pylint: disable-next=subprocess-popen-preexec-fn
        result = subprocess.run([COMMAND, *arguments], capture_output=True, check=False,
                                preexec_fn=limit, restore_signals=False)
        assert result.returncode == 1, result.stderr
        assert b"journal: cannot be written: File too large\n" in result.stderr
        copied, failed = (int(re.search(rb"(\d+) " + word, result.stderr)[1])
                          for word in (b"copied", b"failed"))
        left = int(re.search(rb"broken off: (\d+) keys", result.stderr)[1])
        assert copied + failed + left == 5000
        assert failed == 500
        assert len(far.listing()) == copied, "nothing is copied that the journal does not know"
        # So that all of it can be told from what others stored.
        near.set_many((key, b"new", 0, 0) for key in keys)
        run(*arguments, check=0)
        changed = [key for key, value in far.get_many(keys).items() if value == (b"new", 0)]
        assert len(changed) >= 5000 - copied


def test_a_journal_that_is_cut_anywhere_is_gone_on_with(four, tmp_path):
    journal = tmp_path / "journal"
    with four[0].connect() as near:
        near.set_many((b"key:%d" % i, b"value", 0, 0) for i in range(30000))
    arguments = ["warm", "--from-servers", four[0].address, "--servers", four[1].address, "--go",
                 "--journal", str(journal)]
    with subprocess.Popen([COMMAND, *arguments, "--rate", "8000"], stderr=subprocess.DEVNULL,
                          stdout=subprocess.DEVNULL) as warm:
        with four[1].connect() as far:
            until(lambda: far.count() > 8000)
        assert b"another process is at work" in run(*arguments, check=2).stderr
        warm.kill()
    whole = journal.read_bytes()
    chance = random.Random(8)
    for size in [0, 1, 40, len(whole) // 2, len(whole) - 1, len(whole),
                 *(chance.randrange(len(whole)) for _ in range(5 * EFFORT))]:
        with four[1].connect() as far:
            far.set(b"key:17", b"newer")
        journal.write_bytes(whole[:size])
        result = run(*arguments, check=0)
        assert size < len(whole) or b" were done already, says the journal" in result.stderr
        assert not journal.exists()
    with four[1].connect() as far:
        assert len(far.listing()) == 30000
        assert far.get(b"key:17") == b"newer"


@pytest.mark.parametrize("remove", [[], ["--remove"]])
def test_after_sigkill_copies_are_told_from_what_others_stored(four, tmp_path, remove):
    keys = [b"key:%d" % i for i in range(1500)]
    arguments = ["warm", "--from-servers", four[0].address, "--servers", four[1].address, "--go",
                 "--journal", str(tmp_path / "journal"), *remove]
    with four[0].connect() as near, four[1].connect() as far:
        near.set_many((key, b"old", 0, 0) for key in keys)
        with subprocess.Popen([COMMAND, *arguments, "--rate", "500"], stderr=subprocess.DEVNULL,
                              stdout=subprocess.DEVNULL) as warm:
            until(lambda: far.count() > 100)
            warm.kill()
        copied = list(far.listing())
        assert len(copied) < 1400
        # Changed while it was, in a manner, being copied.
        near.set_many((key, b"new", 0, 0) for key in keys)
        far.set(copied[0], b"newest")
        run(*arguments, check=0)
        found = far.get_many(keys)
        assert found.pop(copied[0]) == (b"newest", 0)
        assert found == {key: (b"new", 0) for key in keys if key != copied[0]}
        assert not remove or near.listing() == {}


def test_a_journal_of_other_work_and_other_files_are_left_alone(four, tmp_path):
    journal = tmp_path / "journal"
    go = ["--go", "--journal", str(journal)]
    for text in (b"milk\neggs\n", b"a long text " * 1000):
        journal.write_bytes(text)
        result = run("warm", "--from-servers", four[0].address, "--servers", four[1].address, *go,
                     check=2)
        assert b"this is no journal" in result.stderr
        assert journal.read_bytes() == text
    journal.unlink()
    with four[0].connect() as near:
        near.set_many((b"key:%d" % i, b"value", 0, 0) for i in range(5000))
    with subprocess.Popen([COMMAND, "warm", "--from-servers", four[0].address, "--servers",
                           four[1].address, *go, "--rate", "100"], stderr=subprocess.DEVNULL,
                          stdout=subprocess.DEVNULL) as warm:
        with four[1].connect() as far:
            until(lambda: far.count() > 1)  # more than the mark of the beginning
        warm.kill()
    result = run("warm", "--from-servers", four[0].address, "--servers", four[2].address, *go,
                 check=2)
    assert b"this journal is of other work" in result.stderr
