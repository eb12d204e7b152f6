"""What does an outage do to a pool?  simulate_outage.py nutcracker.yml SERVER

The server hangs for two minutes, in simulated time: the proxy's ejection, as it would happen with
one request in a hundredth of a second. Draws the ejections into a file if one is named as well.
"""

import sys

import shardcache


def main(config: str, victim: str, picture: str | None = None) -> int:
    (pool,) = shardcache.load(config).values()
    if not pool.auto_eject_hosts:
        print("auto_eject_hosts is off: each request for the server fails until it is back")
    now = 0.0
    events: list[shardcache.RouterEvent] = []
    router = shardcache.Router(pool, clock=lambda: now, observer=events.append)

    failed = 0
    while now < 180:
        server = router.route(f"user:{round(now * 100)}")
        if server.name == victim and 30 <= now < 150:
            failed += 1
            router.report_failure(server.index, "timeout")
        else:
            router.report_success(server.index)
        now += 0.01

    for event in events:
        what = f"{event.type} ({event.reason})" if event.reason else event.type
        print(f"{event.time:7.2f} s  {event.name} {what}, {event.moved:.1%} of the keys move")
    print(f"{failed} of 18000 requests failed")

    if picture is not None:
        from shardcache import plot

        plot.ejections(events, router.servers, now).savefig(picture)
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
