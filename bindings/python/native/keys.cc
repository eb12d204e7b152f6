#include "bindings/python/native/keys.h"

#include <algorithm>
#include <array>
#include <string>
#include <utility>

#include "bindings/python/native/arrow.h"

namespace shardcache::python {
namespace {

// The bytes of a key that is not of type bytes. `where` says which key it is, for the error.
std::string_view Utf8Of(PyObject* key, const std::function<std::string()>& where) {
  if (PyUnicode_Check(key)) {
    Py_ssize_t size = 0;
    const char* data = PyUnicode_AsUTF8AndSize(key, &size);
    if (data == nullptr) throw py::error_already_set();
    return {data, static_cast<std::size_t>(size)};
  }
  throw py::type_error(where() + " is of type " + Py_TYPE(key)->tp_name +
                       "; keys are bytes or str");
}

template <typename Where>
inline std::string_view BytesOf(PyObject* key, const Where& where) {
  if (PyBytes_Check(key)) {
    return {PyBytes_AS_STRING(key), static_cast<std::size_t>(PyBytes_GET_SIZE(key))};
  }
  return Utf8Of(key, where);
}

// Keys that are Python objects. Holds a reference to each of a portion, for another thread may
// change the list meanwhile.
class ObjectKeys : public KeySource {
 public:
  ~ObjectKeys() override { Clear(); }
  ObjectKeys(const ObjectKeys&) = delete;
  ObjectKeys& operator=(const ObjectKeys&) = delete;

  bool Advance() final {
    Clear();
    Fill();
    return !views_.empty();
  }

  void ForEach(const std::function<void(KeySpan)>& visit) final { visit(views_); }

 protected:
  // So many that to wait for the GIL after each portion, 5 ms if other threads compute, is a small
  // part of the time; so few that a portion stays in the processor's cache.
  static constexpr Py_ssize_t kPortion = 16384;

  ObjectKeys() {
    objects_.reserve(kPortion);
    views_.reserve(kPortion);
  }

  // Adds a key to the portion.
  void Add(py::object key) {
    views_.push_back(BytesOf(key.ptr(), [this] { return "key " + std::to_string(count_); }));
    objects_.push_back(key.release().ptr());
    ++count_;
  }

 private:
  // Adds the keys of the next portion; none at the end.
  virtual void Fill() = 0;

  void Clear() {
    views_.clear();
    for (PyObject* object : objects_) Py_DECREF(object);
    objects_.clear();
  }

  std::vector<PyObject*> objects_;  // owned
  std::vector<std::string_view> views_;
  std::size_t count_ = 0;
};

class ListKeys final : public ObjectKeys {
 public:
  explicit ListKeys(py::object list) : list_(std::move(list)) {}  // or a tuple

  std::size_t size() const override {
    return static_cast<std::size_t>(PySequence_Fast_GET_SIZE(list_.ptr()));
  }

 private:
  void Fill() override {
    // Nothing in here runs Python code, so that the list stays as it is.
    PyObject** const items = PySequence_Fast_ITEMS(list_.ptr());
    const Py_ssize_t end = std::min(next_ + kPortion, PySequence_Fast_GET_SIZE(list_.ptr()));
    for (; next_ < end; ++next_) Add(py::reinterpret_borrow<py::object>(items[next_]));
  }

  py::object list_;
  Py_ssize_t next_ = 0;
};

class IteratorKeys final : public ObjectKeys {
 public:
  explicit IteratorKeys(py::object iterator) : iterator_(std::move(iterator)) {}

 private:
  void Fill() override {
    for (Py_ssize_t i = 0; i < kPortion; ++i) {
      auto key = py::reinterpret_steal<py::object>(PyIter_Next(iterator_.ptr()));
      if (!key) {
        if (PyErr_Occurred() != nullptr) throw py::error_already_set();
        return;
      }
      Add(std::move(key));
    }
  }

  py::object iterator_;
};

// Keys of a fixed width in one block of memory: numpy's S.
class FixedWidthKeys final : public KeySource {
 public:
  explicit FixedWidthKeys(py::buffer_info info) : info_(std::move(info)) {}

  bool Advance() override {
    begin_ = end_;
    end_ = std::min(begin_ + kPortion, size());
    return begin_ < end_;
  }

  void ForEach(const std::function<void(KeySpan)>& visit) override {
    std::array<std::string_view, kAtOnce> views;
    for (std::size_t i = begin_; i < end_;) {
      const std::size_t count = std::min(kAtOnce, end_ - i);
      for (std::size_t j = 0; j < count; ++j, ++i) views[j] = Key(i);
      visit({views.data(), count});
    }
  }

  std::size_t size() const override { return static_cast<std::size_t>(info_.shape[0]); }

 private:
  static constexpr std::size_t kPortion = std::size_t{1} << 18;
  static constexpr std::size_t kAtOnce = 1024;

  std::string_view Key(std::size_t index) const {
    const char* data =
        static_cast<const char*>(info_.ptr) + static_cast<py::ssize_t>(index) * info_.strides[0];
    auto size = static_cast<std::size_t>(info_.itemsize);
    while (size > 0 && data[size - 1] == '\0') --size;
    return {data, size};
  }

  py::buffer_info info_;
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
};

// Whether a buffer holds byte strings of a fixed width: "24s", or "s" for a width of one.
bool IsFixedWidth(const py::buffer_info& info) { return info.format.ends_with('s'); }

}  // namespace

std::string_view KeyBytes(py::handle key) {
  return BytesOf(key.ptr(), [] { return std::string("the key"); });
}

std::unique_ptr<KeySource> OpenKeys(const py::object& keys) {
  PyObject* object = keys.ptr();
  if (PyBytes_Check(object) || PyUnicode_Check(object)) {
    throw py::type_error("expected many keys, such as a list of them, and not a single " +
                         std::string(Py_TYPE(object)->tp_name));
  }
  if (PyList_Check(object) || PyTuple_Check(object)) return std::make_unique<ListKeys>(keys);
  if (std::unique_ptr<KeySource> arrow = OpenArrowKeys(keys)) return arrow;
  if (PyObject_CheckBuffer(object)) {
    py::buffer_info info = py::reinterpret_borrow<py::buffer>(keys).request();
    if (IsFixedWidth(info)) {
      if (info.ndim != 1) {
        throw py::type_error("an array of keys has one dimension, and not " +
                             std::to_string(info.ndim));
      }
      return std::make_unique<FixedWidthKeys>(std::move(info));
    }
  }
  auto iterator = py::reinterpret_steal<py::object>(PyObject_GetIter(object));
  if (!iterator) throw py::error_already_set();
  return std::make_unique<IteratorKeys>(std::move(iterator));
}

void ForEachKeys(const py::object& keys, const std::function<void(KeySpan)>& work) {
  const std::unique_ptr<KeySource> source = OpenKeys(keys);
  while (source->Advance()) {
    {
      const py::gil_scoped_release release;
      source->ForEach(work);
    }
    if (PyErr_CheckSignals() != 0) throw py::error_already_set();
  }
}

Uint32Array MapKeys(const py::object& keys,
                    const std::function<void(KeySpan, std::span<std::uint32_t>)>& work) {
  const std::unique_ptr<KeySource> source = OpenKeys(keys);
  Uint32Array result;
  result.values.reserve(source->size());
  while (source->Advance()) {
    {
      const py::gil_scoped_release release;
      source->ForEach([&](KeySpan some) {
        const std::size_t done = result.values.size();
        result.values.resize(done + some.size());
        work(some, std::span(result.values).subspan(done, some.size()));
      });
    }
    if (PyErr_CheckSignals() != 0) throw py::error_already_set();
  }
  return result;
}

}  // namespace shardcache::python
