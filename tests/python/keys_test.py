"""What may be given where keys are taken."""

import collections
import signal

import numpy as np
import pytest

import arrow_column
import shardcache

TEXTS = ["user:42", "", "gr\u00fcn", "\u65e5\u672c\u8a9e", "a\0b", "x" * 250]
RAW = [b"user:42", b"", b"\xff\x80", b"a\0b", b"\0", b"x" * 250]


def expected(placement, keys):
    return [placement.locate(key).index for key in keys]


def test_a_str_is_its_utf8(placement):
    for text in TEXTS:
        raw = text.encode()
        assert placement.locate(text) == placement.locate(raw)
        assert placement.hash_key(text) == placement.hash_key(raw)
        assert placement.hashed_part(text) == raw
    assert list(placement.locate_many(TEXTS)) == expected(placement, [t.encode() for t in TEXTS])


@pytest.mark.parametrize("container", [list, tuple, collections.deque, iter, np.array])
def test_any_iterable_gives_what_each_key_gives(placement, container):
    keys = RAW + TEXTS if container is not np.array else TEXTS
    assert list(placement.locate_many(container(keys))) == expected(placement, keys)


def test_sets_dicts_and_generators(placement):
    keys = {f"key:{i}": i for i in range(50000)}
    want = expected(placement, keys)
    assert list(placement.locate_many(keys)) == want
    assert list(placement.locate_many(keys.keys())) == want
    assert list(placement.locate_many(key for key in keys)) == want
    assert list(placement.locate_many(set(keys))) == expected(placement, set(keys))


def test_no_keys_give_an_empty_array(placement):
    for none in ([], (), iter([]), np.array([], dtype="S5"), {}):
        result = placement.locate_many(none)
        assert result.dtype == np.uint32
        assert result.shape == (0,)


def test_numpy_byte_strings_end_before_their_padding(placement):
    keys = [b"a", b"", b"user:42", b"x" * 24, b"in\0side", b"\xff" * 3] * 1000
    array = np.array(keys, dtype="S24")
    assert list(placement.locate_many(array)) == expected(placement, keys)
    padded = np.array([b"tail\0\0"], dtype="S24")
    assert list(placement.locate_many(padded)) == expected(placement, [b"tail"])


def test_numpy_arrays_need_not_be_contiguous_or_writable(placement):
    keys = [b"k%d" % i for i in range(3000)]
    array = np.array(keys)
    assert list(placement.locate_many(array[::3])) == expected(placement, keys[::3])
    assert list(placement.locate_many(array[::-1])) == expected(placement, keys[::-1])
    array.flags.writeable = False
    assert list(placement.locate_many(array)) == expected(placement, keys)
    records = np.zeros(3, dtype=[("id", "i4"), ("key", "S7")])
    records["key"] = [b"one", b"two", b"three"]
    assert list(placement.locate_many(records["key"])) == expected(placement, records["key"])


def test_a_large_numpy_array(placement):
    array = np.char.add("key:", np.arange(600_000).astype(str)).astype("S")
    result = placement.locate_many(array)
    sample = range(0, 600_000, 997)
    assert [result[i] for i in sample] == expected(placement, [array[i] for i in sample])


def test_numpy_arrays_of_other_shape_or_type_are_refused(placement):
    with pytest.raises(TypeError, match="one dimension"):
        placement.locate_many(np.array([[b"a", b"b"]]))
    with pytest.raises(TypeError, match="key 0 is of type numpy.int64"):
        placement.locate_many(np.array([1, 2]))


@pytest.mark.parametrize("one", [b"key", "key"])
def test_a_single_key_is_not_many(placement, one):
    with pytest.raises(TypeError, match="not a single"):
        placement.locate_many(one)


@pytest.mark.parametrize("wrong", [None, 3, 3.5, [b"key"], bytearray(b"key")])
def test_a_key_of_another_type_is_refused_by_its_number(placement, wrong):
    with pytest.raises(TypeError, match="keys are bytes or str"):
        placement.locate(wrong)
    with pytest.raises(TypeError, match="key 2 is of type"):
        placement.locate_many(["a", b"b", wrong])
    with pytest.raises(TypeError, match="key 2 is of type"):
        placement.locate_many(iter(["a", b"b", wrong]))


def test_what_is_no_iterable_is_refused(placement):
    with pytest.raises(TypeError):
        placement.locate_many(3)


def test_an_error_of_the_iterable_is_passed_on(placement):
    def keys():
        yield "a"
        raise RuntimeError("from the generator")

    with pytest.raises(RuntimeError, match="from the generator"):
        placement.locate_many(keys())


def test_a_str_that_has_no_utf8_is_refused(placement):
    with pytest.raises(UnicodeEncodeError):
        placement.locate("\ud800")
    with pytest.raises(UnicodeEncodeError):
        placement.locate_many(["a", "\ud800"])


def test_a_list_that_shrinks_meanwhile_is_read_as_far_as_it_goes(placement):
    keys = [b"%d" % i for i in range(1_000_000)]
    want = placement.locate_many(keys)

    def shrink(*_):
        del keys[10:]

    before = signal.signal(signal.SIGALRM, shrink)
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.001)  # the call takes longer
        located = placement.locate_many(keys)
    finally:
        signal.signal(signal.SIGALRM, before)
    assert 10 <= len(located) < len(want)
    assert (located == want[: len(located)]).all()


# Arrow


COLUMN = ["user:42", "", "gr\u00fcn", "longer than twelve bytes", "x" * 300] * 5


@pytest.mark.parametrize("format", ["u", "z", "U", "Z", "vu", "vz"])
@pytest.mark.parametrize("stream", [False, True])
def test_arrow_columns(placement, format, stream):
    column = arrow_column.Column(format, [key.encode() for key in COLUMN], stream=stream)
    assert list(placement.locate_many(column)) == expected(placement, COLUMN)
    assert column.released


@pytest.mark.parametrize("stream", [False, True])
def test_arrow_slices_and_fixed_width(placement, stream):
    keys = [b"%06d" % i for i in range(2000)]
    column = arrow_column.Column("w:6", keys, offset=17, stream=stream)
    assert list(placement.locate_many(column)) == expected(placement, keys[17:])
    column = arrow_column.Column("u", keys, offset=17, stream=stream)
    assert list(placement.locate_many(column)) == expected(placement, keys[17:])


def test_arrow_chunks_follow_each_other(placement):
    chunks = [[b"a", b"b"], [], [b"c"]]
    column = arrow_column.Column("z", chunks[0], stream=True, more=chunks[1:])
    assert list(placement.locate_many(column)) == expected(placement, [b"a", b"b", b"c"])


def test_an_arrow_column_of_numbers_is_refused(placement):
    with pytest.raises(TypeError, match='type "l"'):
        placement.locate_many(arrow_column.Column("l", []))


def test_a_null_in_an_arrow_column_is_an_error_that_counts_it(placement):
    column = arrow_column.Column("u", [b"a", b"b", None, b"d"], offset=1)
    with pytest.raises(shardcache.Error, match="key 1 of the Arrow column is null"):
        placement.locate_many(column)


def test_an_arrow_stream_that_fails_says_why(placement):
    column = arrow_column.Column("u", [b"a"], stream=True, fails="disk on fire")
    with pytest.raises(shardcache.Error, match="disk on fire") as caught:
        placement.locate_many(column)
    assert caught.value.code == "io"
