"""A column of strings that speaks the Arrow PyCapsule interface, as pyarrow's and polars' do, for
Debian packages neither. https://arrow.apache.org/docs/format/CDataInterface/PyCapsuleInterface.html
"""

import ctypes as c
import struct


class Schema(c.Structure):
    pass


class Array(c.Structure):
    pass


class Stream(c.Structure):
    pass


ReleaseSchema = c.CFUNCTYPE(None, c.POINTER(Schema))
ReleaseArray = c.CFUNCTYPE(None, c.POINTER(Array))
ReleaseStream = c.CFUNCTYPE(None, c.POINTER(Stream))
GetSchema = c.CFUNCTYPE(c.c_int, c.POINTER(Stream), c.POINTER(Schema))
GetNext = c.CFUNCTYPE(c.c_int, c.POINTER(Stream), c.POINTER(Array))
GetLastError = c.CFUNCTYPE(c.c_void_p, c.POINTER(Stream))

Schema._fields_ = [
    ("format", c.c_char_p), ("name", c.c_char_p), ("metadata", c.c_char_p), ("flags", c.c_int64),
    ("n_children", c.c_int64), ("children", c.c_void_p), ("dictionary", c.c_void_p),
    ("release", ReleaseSchema), ("private_data", c.c_void_p),
]  # fmt: skip
Array._fields_ = [
    ("length", c.c_int64), ("null_count", c.c_int64), ("offset", c.c_int64),
    ("n_buffers", c.c_int64), ("n_children", c.c_int64), ("buffers", c.POINTER(c.c_void_p)),
    ("children", c.c_void_p), ("dictionary", c.c_void_p), ("release", ReleaseArray),
    ("private_data", c.c_void_p),
]  # fmt: skip
Stream._fields_ = [
    ("get_schema", GetSchema), ("get_next", GetNext), ("get_last_error", GetLastError),
    ("release", ReleaseStream), ("private_data", c.c_void_p),
]  # fmt: skip

new_capsule = c.pythonapi.PyCapsule_New
new_capsule.restype = c.py_object
new_capsule.argtypes = [c.c_void_p, c.c_char_p, c.c_void_p]


class Column:
    """`keys` (None: null) of the type that has this format string, from `offset` on; `more` are
    further chunks of a stream, which then fails if `fails` says why."""

    def __init__(self, format, keys, offset=0, stream=False, more=(), fails=None):
        self._format = format.encode()
        self._chunks = [(keys, offset), *((chunk, 0) for chunk in more)]
        self._fails = c.create_string_buffer((fails or "").encode())
        self._keep = []
        self.released = 0
        if stream:
            self.__arrow_c_stream__ = self._stream
        else:
            self.__arrow_c_array__ = self._array

    def _array(self, requested_schema=None):
        schema, array = Schema(), Array()
        self._fill_schema(schema)
        self._fill_array(array, *self._chunks[0])
        self._keep += [schema, array]
        return (
            new_capsule(c.addressof(schema), b"arrow_schema", None),
            new_capsule(c.addressof(array), b"arrow_array", None),
        )

    def _stream(self, requested_schema=None):
        chunks = iter(self._chunks)

        def get_schema(_, out):
            self._fill_schema(out.contents)
            return 0

        def get_next(_, out):
            chunk = next(chunks, None)
            if chunk is not None:
                self._fill_array(out.contents, *chunk)
            elif self._fails.value:
                return 5
            else:
                c.memset(out, 0, c.sizeof(Array))
            return 0

        def release(it):
            it.contents.release = ReleaseStream()

        stream = Stream(
            GetSchema(get_schema),
            GetNext(get_next),
            GetLastError(lambda _: c.addressof(self._fails)),
            ReleaseStream(release),
        )
        self._keep.append(stream)
        return new_capsule(c.addressof(stream), b"arrow_array_stream", None)

    def _fill_schema(self, schema):
        def release(it):
            it.contents.release = ReleaseSchema()

        schema.format = self._format
        schema.name = b""
        schema.dictionary = None
        schema.release = ReleaseSchema(release)
        self._keep.append(schema.release)

    def _fill_array(self, array, keys, offset):
        def release(it):
            self.released += 1
            it.contents.release = ReleaseArray()

        buffers = [self._validity(keys), *self._layout([key or b"" for key in keys])]
        pointers = (c.c_void_p * len(buffers))(*(c.addressof(b) if b else None for b in buffers))
        array.length = len(keys) - offset
        array.null_count = sum(key is None for key in keys)
        array.offset = offset
        array.n_buffers = len(buffers)
        array.n_children = 0
        array.buffers = pointers
        array.release = ReleaseArray(release)
        self._keep += [buffers, pointers, array.release]

    @staticmethod
    def _validity(keys):
        if None not in keys:
            return None
        bits = sum((key is not None) << i for i, key in enumerate(keys))
        return c.create_string_buffer(bits.to_bytes(len(keys) // 8 + 1, "little"))

    def _layout(self, keys):
        block = c.create_string_buffer(b"".join(keys))
        kind = self._format.decode()
        if kind in ("u", "z", "U", "Z"):
            ends = [0]
            for key in keys:
                ends.append(ends[-1] + len(key))
            width = "i" if kind in "uz" else "q"
            return [c.create_string_buffer(struct.pack(f"{len(ends)}{width}", *ends)), block]
        if kind in ("vu", "vz"):
            views, at = b"", 0
            for key in keys:
                if len(key) <= 12:
                    views += struct.pack("i12s", len(key), key)
                else:
                    views += struct.pack("i4sii", len(key), key[:4], 0, at)
                at += len(key)
            return [c.create_string_buffer(views), block]
        return [block]
