"""The walk-through of the README says what happens."""

import dataclasses
import doctest

import pytest

import conftest
import memcached
import shardcache


@pytest.fixture(name="kill")
def _kill(monkeypatch):
    """Stops the server of a ring name. Clients meet real servers under the names of the pool, on
    ports of their own, which the placement of named servers does not depend on."""
    servers = {f"server{i}": memcached.Memcached() for i in (1, 2, 3)}
    client = shardcache.Client

    def client_of(pool, **options):
        moved = [
            dataclasses.replace(server, port=servers[server.name].port) for server in pool.servers
        ]
        return client(dataclasses.replace(pool, servers=moved), **options)

    monkeypatch.setattr(shardcache, "Client", client_of)
    yield lambda name: servers[name].kill()
    for server in servers.values():
        server.kill()


def test_the_walk_through_of_the_readme(monkeypatch, kill):
    monkeypatch.chdir(conftest.ROOT)
    text = (conftest.ROOT / "README.md").read_text(encoding="utf-8")
    # A fence is no output.
    session = text.replace("```", "")
    names = {"kill": kill}
    test = doctest.DocTestParser().get_doctest(session, names, "README.md", "README.md", 0)
    assert len(test.examples) > 15
    said = []
    runner = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS | doctest.REPORT_NDIFF)
    runner.run(test, out=said.append)
    assert runner.summarize(verbose=False).failed == 0, "".join(said)
