# Gives Motet::motet, puts the library, its programs and its headers into the package, and sets MOTET_LIBRARY_FOLDER: where
# the library lies below motet/.
include(GNUInstallDirs)

# An installed Motet: the wheel gets copies, at the same places relative to each other, which is how the programs find
# the library.
function(motet_take_installed prefix)
  find_package(Motet REQUIRED CONFIG PATHS ${prefix} NO_DEFAULT_PATH)
  get_target_property(library Motet::motet LOCATION)
  file(REAL_PATH ${library} library)
  cmake_path(GET library PARENT_PATH folder)
  cmake_path(RELATIVE_PATH folder BASE_DIRECTORY ${prefix})
  install(PROGRAMS ${library} DESTINATION motet/${folder} RENAME libmotet.so.${Motet_VERSION_MAJOR})
  foreach(program IN LISTS MOTET_PROGRAMS)
    if(EXISTS ${prefix}/bin/${program})
      install(PROGRAMS ${prefix}/bin/${program} DESTINATION motet/bin)
    endif()
  endforeach()
  install(DIRECTORY ${prefix}/include/motet DESTINATION motet/include)
  if(EXISTS ${prefix}/share/motet)
    install(DIRECTORY ${prefix}/share/motet DESTINATION motet/share)
  endif()
  set(MOTET_LIBRARY_FOLDER ${folder} PARENT_SCOPE)
endfunction()

set(MOTET_PROGRAMS motet-perf motet-sim motet-topo motet-tune)

if(MOTET_PREFIX)
  motet_take_installed(${MOTET_PREFIX})
elseif(EXISTS ${CMAKE_CURRENT_SOURCE_DIR}/../src/CMakeLists.txt)
  set(CMAKE_INSTALL_LIBDIR motet/lib)
  set(CMAKE_INSTALL_BINDIR motet/bin)
  set(CMAKE_INSTALL_INCLUDEDIR motet/include)
  set(CMAKE_INSTALL_DATADIR motet/share)
  set(BUILD_TESTING OFF)
  set(MOTET_BUILD_BENCH OFF)
  add_subdirectory(.. motet)
  # Wheels hold no symbolic links: the library is one file, under its SONAME.
  get_target_property(major motet SOVERSION)
  set_target_properties(motet PROPERTIES VERSION ${major})
  set(MOTET_LIBRARY_FOLDER lib)
else()
  message(FATAL_ERROR "Motet's sources are not in the folder above this one: say where it is installed, with "
                      "pip install -C cmake.define.MOTET_PREFIX=/where/motet/is")
endif()
