# One target per folder: motet_folder(name SOURCES a.cpp DEPENDS motet_base fmt::fmt). Includes are relative to src/, and each
# folder sees only the folders it names, so a wrong include fails to build... as far as the linker sees it; the
# check in tests/style does the rest.
function(motet_folder name)
  cmake_parse_arguments(arg "" "" "SOURCES;DEPENDS" ${ARGN})
  add_library(${name} STATIC ${arg_SOURCES})
  motet_configure(${name})
  target_link_libraries(${name} PUBLIC ${arg_DEPENDS})
endfunction()

# What every target of ours is compiled with.
function(motet_configure name)
  target_compile_features(${name} PUBLIC cxx_std_20)
  target_include_directories(${name} PUBLIC ${PROJECT_SOURCE_DIR}/src ${PROJECT_SOURCE_DIR}/include)
  target_compile_options(${name} PRIVATE -Wall -Wextra -Wshadow -Wconversion -Wno-sign-conversion)
  set_target_properties(${name} PROPERTIES POSITION_INDEPENDENT_CODE ON CXX_VISIBILITY_PRESET hidden
                                           VISIBILITY_INLINES_HIDDEN ON CXX_EXTENSIONS OFF)
endfunction()

# motet_test(name LABEL unit SOURCES a_test.cpp DEPENDS motet_schedule [TIMEOUT 60] [PROCESSORS 1]): a GoogleTest binary
# whose tests CTest runs. scripts/test.sh has CTest take each core for two processors, for many tests mostly wait: the
# conformance tests, those of errors and of hosts that are cut off. Where several processes keep cores busy (label
# multiprocess) the default is 4.
function(motet_test name)
  cmake_parse_arguments(arg "" "TIMEOUT;PROCESSORS" "LABEL;SOURCES;DEPENDS" ${ARGN})
  if(NOT arg_TIMEOUT)
    set(arg_TIMEOUT 60)
  endif()
  add_executable(${name} ${arg_SOURCES})
  motet_configure(${name})
  # Under sanitizers a test's own code takes twice as long to optimise as to compile.
  target_compile_options(${name} PRIVATE $<$<CONFIG:Debug>:-O0>)
  target_link_libraries(${name} PRIVATE ${arg_DEPENDS} GTest::gtest GTest::gmock GTest::gtest_main)
  if(NOT arg_PROCESSORS)
    set(arg_PROCESSORS 1)
    if("multiprocess" IN_LIST arg_LABEL)
      set(arg_PROCESSORS 4)
    endif()
  endif()
  list(GET arg_LABEL 0 first_label)
  list(JOIN arg_LABEL "\\;" labels)
  gtest_discover_tests(${name} TEST_PREFIX ${first_label}/ DISCOVERY_TIMEOUT 60
                       PROPERTIES LABELS "${labels}" TIMEOUT ${arg_TIMEOUT} PROCESSORS ${arg_PROCESSORS}
                                  ENVIRONMENT "LSAN_OPTIONS=suppressions=${PROJECT_SOURCE_DIR}/tests/leaks.txt:print_suppressions=0")
endfunction()

# motet_bench(name SOURCES a_bench.cpp DEPENDS motet_schedule): a Google Benchmark program.
function(motet_bench name)
  cmake_parse_arguments(arg "" "" "SOURCES;DEPENDS" ${ARGN})
  add_executable(${name} ${arg_SOURCES})
  motet_configure(${name})
  target_link_libraries(${name} PRIVATE ${arg_DEPENDS} benchmark::benchmark)
endfunction()

# motet_fuzz(name SOURCES a_fuzz.cpp DEPENDS motet_topology): a libFuzzer program, in builds that ask for them.
function(motet_fuzz name)
  if(NOT MOTET_BUILD_FUZZ)
    return()
  endif()
  cmake_parse_arguments(arg "" "" "SOURCES;DEPENDS" ${ARGN})
  add_executable(${name} ${arg_SOURCES})
  motet_configure(${name})
  target_link_libraries(${name} PRIVATE ${arg_DEPENDS})
  target_link_options(${name} PRIVATE -fsanitize=fuzzer)
endfunction()
