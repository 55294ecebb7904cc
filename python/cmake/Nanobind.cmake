# Finds nanobind where pip has put it and copies it into the build folder: pip's isolated builds have it in another folder
# each time, which would compile everything anew.
execute_process(COMMAND ${Python_EXECUTABLE} -m nanobind --cmake_dir OUTPUT_VARIABLE found RESULT_VARIABLE failed
                OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
if(failed)
  message(FATAL_ERROR "nanobind is missing: pip install nanobind, or build without --no-build-isolation")
endif()
cmake_path(GET found PARENT_PATH found)
set(nanobind_copy ${CMAKE_BINARY_DIR}/nanobind)
file(GLOB_RECURSE nanobind_files RELATIVE ${found} ${found}/cmake/*.* ${found}/src/* ${found}/include/* ${found}/ext/*
     ${found}/stubgen.py)
foreach(file IN LISTS nanobind_files)
  cmake_path(GET file PARENT_PATH folder)
  file(MAKE_DIRECTORY ${nanobind_copy}/${folder})
  file(COPY_FILE ${found}/${file} ${nanobind_copy}/${file} ONLY_IF_DIFFERENT)
endforeach()
find_package(nanobind REQUIRED CONFIG PATHS ${nanobind_copy}/cmake NO_DEFAULT_PATH)
