#include "array.hpp"

#include <nanobind/ndarray.h>

#include <array>
#include <optional>
#include <string_view>
#include <utility>

#include "errors.hpp"

namespace motet::python {
namespace {

constexpr std::array type_names{"int8",   "int16",  "int32",   "int64",    "uint8",   "uint16",
                                "uint32", "uint64", "float16", "bfloat16", "float32", "float64"};

enum class Kind { signed_integer, unsigned_integer, real };

std::optional<motet_type> type_of(Kind kind, std::size_t bytes) {
  const bool is_real = kind == Kind::real;
  const char* const prefix = is_real ? "float" : kind == Kind::signed_integer ? "int" : "uint";
  const std::string name = prefix + std::to_string(8 * bytes);
  for (std::size_t type = 0; type < type_names.size(); ++type) {
    if (name == type_names.at(type)) return static_cast<motet_type>(type);
  }
  return std::nullopt;
}

// Of a letter of the module struct.
std::optional<Kind> kind_of(char letter) {
  constexpr std::string_view reals = "efd", integers = "bhilqn", naturals = "BHILQN";
  if (reals.find(letter) != reals.npos) return Kind::real;
  if (integers.find(letter) != integers.npos) return Kind::signed_integer;
  if (naturals.find(letter) != naturals.npos) return Kind::unsigned_integer;
  return std::nullopt;
}

std::optional<motet_type> type_of(const Py_buffer& buffer) {
  std::string_view format = buffer.format == nullptr ? "B" : buffer.format;
  if (format.starts_with('@') || format.starts_with('=') || format.starts_with('<')) {
    format.remove_prefix(1);
  }
  const auto kind = format.size() == 1 ? kind_of(format.front()) : std::nullopt;
  return kind ? type_of(*kind, static_cast<std::size_t>(buffer.itemsize)) : std::nullopt;
}

std::optional<motet_type> type_of(const nb::dlpack::dtype& type) {
  using Code = nb::dlpack::dtype_code;
  if (type.lanes != 1 || type.bits % 8 != 0) return std::nullopt;
  switch (static_cast<Code>(type.code)) {
    case Code::Int:
      return type_of(Kind::signed_integer, type.bits / 8);
    case Code::UInt:
      return type_of(Kind::unsigned_integer, type.bits / 8);
    case Code::Float:
      return type_of(Kind::real, type.bits / 8);
    case Code::Bfloat:
      return type.bits == 16 ? std::optional(motet_bfloat16) : std::nullopt;
    default:
      return std::nullopt;
  }
}

// Of the capsules that __dlpack__ returns since version 1.
struct VersionedTensor {
  std::uint32_t major, minor;
  void* owner;
  void (*free)(VersionedTensor*);
  std::uint64_t flags;
  nb::dlpack::dltensor tensor;
};
constexpr std::uint64_t read_only_flag = 1;

std::size_t count_of(const nb::dlpack::dltensor& tensor) {
  std::size_t count = 1;
  for (int axis = 0; axis < tensor.ndim; ++axis) {
    count *= static_cast<std::size_t>(tensor.shape[axis]);
  }
  return count;
}

bool is_contiguous(const nb::dlpack::dltensor& tensor) {
  if (tensor.strides == nullptr || count_of(tensor) == 0) return true;
  std::int64_t expected = 1;
  for (int axis = tensor.ndim - 1; axis >= 0; --axis) {
    if (tensor.shape[axis] != 1 && tensor.strides[axis] != expected) return false;
    expected *= tensor.shape[axis];
  }
  return true;
}

std::string text_of(nb::handle object) {
  return nb::str(object).c_str();
}

// NumPy says "bfloat16", PyTorch "torch.bfloat16".
std::string type_text(nb::handle object) {
  if (!nb::hasattr(object, "dtype")) return "its type";
  return text_of(nb::object(object.attr("dtype")));
}

// Of an extension of NumPy, which neither protocol knows.
bool is_bfloat16_of_numpy(nb::handle object) {
  return nb::hasattr(object, "view") && type_text(object) == "bfloat16";
}

}  // namespace

std::string Where::operator()(const std::string& what) const {
  return "rank " + std::to_string(rank) + ": " + call + ": " + what;
}

// One attempt to make an Array of what was given.
struct Array::Reading {
  Array& array;
  const Where& where;
  std::string name;
  Access access;

  [[noreturn]] void refuse(const std::string& why) const {
    python::refuse(where(name + " " + why));
  }
  [[noreturn]] void refuse_kind(nb::handle object) const {
    refuse("holds " + type_text(object) +
           "; Motet has int8 to uint64, float16, bfloat16, float32 and float64");
  }
  void require_access(bool is_read_only) const {
    if (is_read_only && access == Access::write) refuse("is read-only");
  }
  void require_contiguous(bool is_contiguous) const {
    if (!is_contiguous) refuse("is not contiguous: copy it first (numpy.ascontiguousarray)");
  }

  bool by_buffer(nb::handle object) const;
  bool by_dlpack(nb::handle object) const;
  void take(nb::handle object, const nb::dlpack::dltensor& tensor) const;
};

// False: it has no buffer, or none of such elements.
bool Array::Reading::by_buffer(nb::handle object) const {
  if (PyObject_CheckBuffer(object.ptr()) == 0) return false;
  if (PyObject_GetBuffer(object.ptr(), &array.buffer_, PyBUF_FULL_RO) != 0) {
    PyErr_Clear();
    return false;
  }
  const Py_buffer& buffer = array.buffer_;
  const auto type = type_of(buffer);
  if (!type) refuse_kind(object);
  require_contiguous(PyBuffer_IsContiguous(&buffer, 'C') != 0);
  require_access(buffer.readonly != 0);
  array.data_ = buffer.buf;
  array.type_ = *type;
  array.count_ = static_cast<std::size_t>(buffer.len) / static_cast<std::size_t>(buffer.itemsize);
  return true;
}

bool Array::Reading::by_dlpack(nb::handle object) const {
  if (!nb::hasattr(object, "__dlpack__") || !nb::hasattr(object, "__dlpack_device__")) return false;
  constexpr int cpu = 1, cuda_pinned = 3, rocm_pinned = 11;
  const int device = nb::cast<int>(object.attr("__dlpack_device__")()[0]);
  if (device != cpu && device != cuda_pinned && device != rocm_pinned) {
    refuse("is on a device (of DLPack's type " + std::to_string(device) +
           "): Motet takes memory of the CPU; copy it there first");
  }
  try {
    array.capsule_ = object.attr("__dlpack__")(nb::arg("max_version") = nb::make_tuple(1, 1));
  } catch (nb::python_error& error) {
    if (!error.matches(PyExc_TypeError)) throw;
    array.capsule_ = object.attr("__dlpack__")();
  }
  PyObject* const capsule = array.capsule_.ptr();
  if (PyCapsule_IsValid(capsule, "dltensor_versioned") != 0) {
    const auto* const managed =
        static_cast<VersionedTensor*>(PyCapsule_GetPointer(capsule, "dltensor_versioned"));
    require_access((managed->flags & read_only_flag) != 0);
    take(object, managed->tensor);
  } else {
    const void* const managed = PyCapsule_GetPointer(capsule, "dltensor");
    if (managed == nullptr) throw nb::python_error();
    take(object, *static_cast<const nb::dlpack::dltensor*>(managed));
  }
  return true;
}

void Array::Reading::take(nb::handle object, const nb::dlpack::dltensor& tensor) const {
  const auto type = type_of(tensor.dtype);
  if (!type) refuse_kind(object);
  require_contiguous(is_contiguous(tensor));
  array.data_ = static_cast<std::byte*>(tensor.data) + tensor.byte_offset;
  array.type_ = *type;
  array.count_ = count_of(tensor);
}

Array::Array(const Given& given, Access access, const Where& where, const char* name) {
  const nb::handle object = given.object;
  const Reading reading{*this, where, name, access};
  try {
    if (reading.by_buffer(object)) return;
    if (is_bfloat16_of_numpy(object)) {
      if (!reading.by_buffer(object.attr("view")("uint16"))) reading.refuse_kind(object);
      type_ = motet_bfloat16;
      return;
    }
    if (reading.by_dlpack(object)) return;
  } catch (...) {
    PyBuffer_Release(&buffer_);
    throw;
  }
  refuse_type(where(std::string(name) + " is a " + text_of(nb::inst_name(object)) +
                    ": it must be an array with the buffer protocol or DLPack"));
}

Array::~Array() {
  PyBuffer_Release(&buffer_);
}

void Array::swap(Array& other) noexcept {
  std::swap(buffer_, other.buffer_);
  std::swap(capsule_, other.capsule_);
  std::swap(data_, other.data_);
  std::swap(count_, other.count_);
  std::swap(type_, other.type_);
}

const char* name_of(motet_type type) {
  return type_names.at(static_cast<std::size_t>(type));
}

motet_type type_from(const std::string& name) {
  for (std::size_t type = 0; type < type_names.size(); ++type) {
    if (name == type_names.at(type)) return static_cast<motet_type>(type);
  }
  refuse("there is no type \"" + name + "\"");
}

}  // namespace motet::python
