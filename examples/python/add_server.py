"""What does adding a server move?  add_server.py nutcracker.yml "10.0.0.4:11211:1 server4"

Draws what moves into a file if one is named as well.
"""

import dataclasses
import sys

import shardcache


def main(config: str, line: str, picture: str | None = None) -> int:
    (pool,) = shardcache.load(config).values()
    added = shardcache.Server.parse(line)
    larger = dataclasses.replace(pool, servers=(*pool.servers, added))
    before, after = shardcache.Placement(pool), shardcache.Placement(larger)

    moved = shardcache.compare_exactly(before, after)
    assert moved is not None, "both look hashes of one function up"
    ideal = added.weight / sum(server.weight for server in larger.servers)
    print(f"{moved.fraction:.2%} of all keys move; {ideal:.2%} must")
    to_added = sum(flow.amount for flow in moved.flows if flow.target.name == added.name)
    print(f"{to_added / moved.hashes:.2%} go to {added}")
    print(f"{(moved.disagreements - to_added) / moved.hashes:.2%} move between the others")

    print(f"{'server':16} {'weight':>6} {'before':>8} {'after':>8}")
    for server in after.servers:
        earlier = [s.index for s in before.servers if s.name == server.name]
        share = before.shares[earlier[0]] if earlier else 0
        print(f"{server.name:16} {server.weight:6} {share:8.2%} {after.shares[server.index]:8.2%}")

    if picture is not None:
        from shardcache import plot

        plot.flow(before, after, moved.flows).savefig(picture)
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
