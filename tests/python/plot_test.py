"""Pictures: that each shows what it should; how they look is for people."""

import dataclasses

import matplotlib
import pytest
from matplotlib.figure import Figure

import shardcache
import shardcache.plot

matplotlib.use("Agg")


def texts(figure):
    figure.canvas.draw()
    found = figure.findobj(matplotlib.text.Text)
    return "\n".join(text.get_text() for text in found)


def test_the_ring_has_an_arc_for_each_point_and_names_its_owners(placement):
    figure = shardcache.plot.ring(placement)
    assert isinstance(figure, Figure)
    (arcs,) = figure.axes[0].collections[:1]
    assert len(arcs.get_paths()) == 480
    text = texts(figure)
    assert "480 points" in text
    for server in placement.servers:
        assert f"{server.name}  {placement.shares[server.index]:.1%}" in text


def test_a_placement_without_a_ring_is_refused(pool):
    modula = shardcache.Placement(dataclasses.replace(pool, distribution="modula"))
    with pytest.raises(shardcache.Error, match="no ring"):
        shardcache.plot.ring(modula)


def test_shares_are_bars_beside_weights(pool):
    placement = shardcache.Placement(pool, down=["server1"])
    figure = shardcache.plot.shares(placement)
    heights = [bar.get_height() for bar in figure.axes[0].patches]
    assert heights == pytest.approx([0, 1 / 3, 2 / 3, *placement.shares])
    assert "server3" in texts(figure)


def test_a_flow_has_a_ribbon_for_each_pair(pool, placement):
    without = shardcache.Placement(pool, down=["server2"])
    exact = shardcache.compare_exactly(placement, without)
    figure = shardcache.plot.flow(placement, without, exact.flows)
    assert len(figure.axes[0].patches) == len(exact.flows)
    assert f"{exact.disagreements:,} move" in texts(figure)
    assert shardcache.plot.flow(placement, placement, []).axes


def test_the_timeline_has_a_gap_for_each_ejection(pool):
    events = []
    router = shardcache.Router(pool, observer=events.append)
    router.report_failure(0, now=10.0)
    router.route("key", 13.0)
    router.report_failure(1, now=15.0)
    figure = shardcache.plot.ejections(events, router.servers, until=16.0)
    paths = [path.get_extents() for c in figure.axes[0].collections for path in c.get_paths()]
    spans = [(extent.x0, extent.x1) for extent in paths]
    assert (10.0, 13.0) in spans
    assert (15.0, 16.0) in spans
    assert "server2" in texts(figure)


def test_axes_of_ones_own_may_be_given(pool, placement):
    figure = Figure()
    left, right = figure.subplots(1, 2)
    assert shardcache.plot.ring(placement, axes=left) is figure
    assert shardcache.plot.shares(placement, axes=right) is figure
    many = shardcache.PoolConfig("many", [f"10.0.{i}.1:11211:1" for i in range(60)])
    assert shardcache.plot.ring(shardcache.Placement(many), axes=left) is figure
