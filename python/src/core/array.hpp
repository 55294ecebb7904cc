// Memory of arrays of other libraries: anything with the buffer protocol or DLPack.
#pragma once

#include <motet/motet.h>
#include <nanobind/nanobind.h>

#include <string>

namespace motet::python {

namespace nb = nanobind;

// An argument that should be an array, or None; not looked at yet.
struct Given {
  nb::object object;
  bool is_none() const { return object.is_none(); }
};

// For messages: "rank 2: allreduce: out ...".
struct Where {
  int rank = 0;
  const char* call = "";
  std::string operator()(const std::string& what) const;
};

// Keeps the memory alive and in place. Made and destroyed with the GIL held.
class Array {
 public:
  enum class Access { read, write };

  Array() = default;  // none: null, of no elements
  // Throws InvalidArgument, or TypeError where it is no array at all. `name` is the argument's.
  Array(const Given& given, Access access, const Where& where, const char* name);
  Array(Array&& other) noexcept { swap(other); }
  Array& operator=(Array&& other) noexcept {
    swap(other);
    return *this;
  }
  ~Array();

  bool is_none() const { return !buffer_.obj && !capsule_.is_valid(); }
  void* data() const { return data_; }
  std::size_t count() const { return count_; }
  motet_type type() const { return type_; }

 private:
  struct Reading;
  void swap(Array& other) noexcept;

  Py_buffer buffer_{};  // obj: null where it came by DLPack
  nb::object capsule_;  // frees the tensor with itself
  void* data_ = nullptr;
  std::size_t count_ = 0;
  motet_type type_ = motet_uint8;
};

// "float32"; for motet_type and back. type_from throws InvalidArgument.
const char* name_of(motet_type type);
motet_type type_from(const std::string& name);

}  // namespace motet::python

namespace nanobind::detail {

template <>
struct type_caster<motet::python::Given> {
  NB_TYPE_CASTER(motet::python::Given, const_name("motet._types.Array"))
  bool from_python(handle source, std::uint8_t, cleanup_list*) noexcept {
    value.object = borrow(source);
    return true;
  }
};

}  // namespace nanobind::detail
