"""The walk-through of the README says what happens."""

import doctest

import conftest


def test_the_walk_through_of_the_readme(monkeypatch):
    monkeypatch.chdir(conftest.ROOT)
    text = (conftest.ROOT / "README.md").read_text(encoding="utf-8")
    # A fence is no output.
    session = text.replace("```", "")
    test = doctest.DocTestParser().get_doctest(session, {}, "README.md", "README.md", 0)
    assert len(test.examples) > 15
    said = []
    runner = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS | doctest.REPORT_NDIFF)
    runner.run(test, out=said.append)
    assert runner.summarize(verbose=False).failed == 0, "".join(said)
