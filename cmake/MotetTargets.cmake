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

# motet_test(name LABEL unit SOURCES a_test.cpp DEPENDS motet_schedule [TIMEOUT 60]): a GoogleTest binary whose tests CTest runs.
function(motet_test name)
  cmake_parse_arguments(arg "" "LABEL;TIMEOUT" "SOURCES;DEPENDS" ${ARGN})
  if(NOT arg_TIMEOUT)
    set(arg_TIMEOUT 60)
  endif()
  add_executable(${name} ${arg_SOURCES})
  motet_configure(${name})
  target_link_libraries(${name} PRIVATE ${arg_DEPENDS} GTest::gtest GTest::gmock GTest::gtest_main)
  gtest_discover_tests(${name} TEST_PREFIX ${arg_LABEL}/ DISCOVERY_TIMEOUT 60
                       PROPERTIES LABELS "${arg_LABEL}" TIMEOUT ${arg_TIMEOUT})
endfunction()
