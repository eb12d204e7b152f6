#include "bindings/python/native/arrow.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <optional>
#include <string>
#include <utility>

#include "bindings/python/native/arrow_abi.h"
#include "bindings/python/native/error.h"

namespace shardcache::python {
namespace {

// How a column lays its keys out.
enum class Layout {
  kOffsets,       // utf8, binary: 32-bit offsets into one block
  kLargeOffsets,  // the same with 64-bit offsets
  kViews,         // utf8_view, binary_view: 16 bytes each, short keys within
  kFixedWidth,    // fixed-size binary
};

struct Column {
  Layout layout = Layout::kOffsets;
  std::size_t width = 0;  // kFixedWidth
};

// By the type's format string, as the interface defines them.
std::optional<Column> ColumnOf(std::string_view format) {
  if (format == "u" || format == "z") return Column{Layout::kOffsets};
  if (format == "U" || format == "Z") return Column{Layout::kLargeOffsets};
  if (format == "vu" || format == "vz") return Column{Layout::kViews};
  if (format.starts_with("w:")) {
    return Column{Layout::kFixedWidth, std::stoul(std::string(format.substr(2)))};
  }
  return std::nullopt;
}

// Both structures say how they are given back; each is given back once.
template <typename T>
class Owned {
 public:
  Owned() = default;
  // Takes the contents over, as the interface asks a consumer to.
  explicit Owned(T* other) : value_(*other) { other->release = nullptr; }
  Owned(Owned&& other) noexcept : value_(std::exchange(other.value_, T{})) {}
  Owned& operator=(Owned&& other) noexcept {
    std::swap(value_, other.value_);
    return *this;
  }
  ~Owned() {
    if (value_.release != nullptr) value_.release(&value_);
  }
  T* operator->() { return &value_; }
  const T* operator->() const { return &value_; }
  T* get() { return &value_; }

 private:
  T value_{};
};

template <typename T>
T Load(const void* buffer, std::int64_t index) {
  T value;
  std::memcpy(&value, static_cast<const char*>(buffer) + index * std::int64_t{sizeof value},
              sizeof value);
  return value;
}

bool IsNull(const ArrowArray& array, std::int64_t index) {
  if (array.null_count == 0 || array.buffers[0] == nullptr) return false;
  const auto byte = Load<std::uint8_t>(array.buffers[0], index / 8);
  return (byte >> (index % 8) & 1) == 0;
}

std::string_view View(const void* data, std::int64_t begin, std::int64_t size) {
  if (size == 0) return {};  // then there may be no data at all
  return {static_cast<const char*>(data) + begin, static_cast<std::size_t>(size)};
}

template <typename Offset>
std::string_view OffsetKey(const ArrowArray& array, std::int64_t index) {
  const auto begin = Load<Offset>(array.buffers[1], index);
  return View(array.buffers[2], begin, Load<Offset>(array.buffers[1], index + 1) - begin);
}

std::string_view ViewKey(const ArrowArray& array, std::int64_t index) {
  const char* view = static_cast<const char*>(array.buffers[1]) + index * 16;
  const auto size = Load<std::int32_t>(view, 0);
  if (size <= 12) return View(view, 4, size);
  const auto buffer = Load<std::int32_t>(view, 2);
  return View(array.buffers[2 + buffer], Load<std::int32_t>(view, 3), size);
}

std::string_view KeyAt(const Column& column, const ArrowArray& array, std::int64_t index) {
  switch (column.layout) {
    case Layout::kOffsets:
      return OffsetKey<std::int32_t>(array, index);
    case Layout::kLargeOffsets:
      return OffsetKey<std::int64_t>(array, index);
    case Layout::kViews:
      return ViewKey(array, index);
    case Layout::kFixedWidth: {
      const auto width = static_cast<std::int64_t>(column.width);
      return View(array.buffers[1], index * width, width);
    }
  }
  return {};  // not reached: the enumeration is complete above
}

// Gives out the keys of one array after the other.
class ArrowKeys : public KeySource {
 public:
  bool Advance() final {
    begin_ = end_;
    while (begin_ == array_->length) {
      before_ += array_->length;
      if (!NextArray(array_)) return false;
      begin_ = 0;
    }
    end_ = std::min<std::int64_t>(begin_ + kPortion, array_->length);
    return true;
  }

  void ForEach(const std::function<void(KeySpan)>& visit) final {
    std::array<std::string_view, kAtOnce> views;
    for (std::int64_t i = begin_; i < end_;) {
      std::size_t count = 0;
      for (; count < kAtOnce && i < end_; ++count, ++i) views[count] = Key(i);
      visit({views.data(), count});
    }
  }

 protected:
  void SetColumn(const ArrowSchema& schema) {
    const auto column = schema.dictionary == nullptr ? ColumnOf(schema.format) : std::nullopt;
    if (!column) {
      throw py::type_error(
          "the Arrow column has type \"" + std::string(schema.format) + "\"" +
          (schema.dictionary != nullptr ? " with a dictionary" : "") +
          "; keys are utf8, binary, their large and view forms, or fixed-size binary");
    }
    column_ = *column;
  }

 private:
  static constexpr std::int64_t kPortion = std::int64_t{1} << 18;
  static constexpr std::size_t kAtOnce = 1024;

  // Replaces `array` by the next one; false: there is none. Needs the GIL.
  virtual bool NextArray(Owned<ArrowArray>& array) = 0;

  std::string_view Key(std::int64_t index) const {
    const std::int64_t in_buffers = array_->offset + index;
    if (IsNull(*array_.operator->(), in_buffers)) {
      throw Failure({ErrorCode::kInvalidArgument,
                     "key " + std::to_string(before_ + index) + " of the Arrow column is null"});
    }
    return KeyAt(column_, *array_.operator->(), in_buffers);
  }

  Column column_;
  Owned<ArrowArray> array_;
  std::int64_t before_ = 0;  // keys of earlier arrays
  std::int64_t begin_ = 0;
  std::int64_t end_ = 0;
};

template <typename T>
T* FromCapsule(py::handle capsule, const char* name) {
  void* pointer = PyCapsule_GetPointer(capsule.ptr(), name);
  if (pointer == nullptr) throw py::error_already_set();
  return static_cast<T*>(pointer);
}

class ArrayKeys final : public ArrowKeys {
 public:
  explicit ArrayKeys(const py::tuple& capsules)
      : first_(FromCapsule<ArrowArray>(capsules[1], "arrow_array")) {
    const Owned<ArrowSchema> schema(FromCapsule<ArrowSchema>(capsules[0], "arrow_schema"));
    SetColumn(*schema.operator->());
    size_ = static_cast<std::size_t>(first_->length);
  }

  std::size_t size() const override { return size_; }

 private:
  bool NextArray(Owned<ArrowArray>& array) override {
    if (first_->release == nullptr) return false;
    array = Owned<ArrowArray>(first_.get());
    return true;
  }

  Owned<ArrowArray> first_;
  std::size_t size_ = 0;
};

class StreamKeys final : public ArrowKeys {
 public:
  explicit StreamKeys(const py::object& capsule)
      : stream_(FromCapsule<ArrowArrayStream>(capsule, "arrow_array_stream")) {
    Owned<ArrowSchema> schema;
    Check(stream_->get_schema(stream_.get(), schema.get()));
    SetColumn(*schema.operator->());
  }

 private:
  bool NextArray(Owned<ArrowArray>& array) override {
    Owned<ArrowArray> next;
    Check(stream_->get_next(stream_.get(), next.get()));
    if (next->release == nullptr) return false;
    array = std::move(next);
    return true;
  }

  void Check(int status) {
    if (status == 0) return;
    const char* reason = stream_->get_last_error(stream_.get());
    throw Failure({ErrorCode::kIo, std::string("the Arrow column cannot be read: ") +
                                       (reason != nullptr ? reason : std::strerror(status))});
  }

  Owned<ArrowArrayStream> stream_;
};

}  // namespace

std::unique_ptr<KeySource> OpenArrowKeys(const py::object& keys) {
  if (py::hasattr(keys, "__arrow_c_array__")) {
    return std::make_unique<ArrayKeys>(keys.attr("__arrow_c_array__")());
  }
  if (py::hasattr(keys, "__arrow_c_stream__")) {
    return std::make_unique<StreamKeys>(keys.attr("__arrow_c_stream__")());
  }
  return nullptr;
}

}  // namespace shardcache::python
