# The shared library as the outside world sees it: SONAME, exported symbols, headers, CMake package, pkg-config.
# Needs the target motet.
include(CMakePackageConfigHelpers)
include(GNUInstallDirs)

set(symbols ${PROJECT_SOURCE_DIR}/cmake/motet.map)
set_target_properties(motet PROPERTIES VERSION ${PROJECT_VERSION} SOVERSION ${PROJECT_VERSION_MAJOR}
                                       LINK_DEPENDS ${symbols})
target_link_options(motet PRIVATE -Wl,--version-script=${symbols})

# Users see the public headers and nothing of what the library is made of.
set_target_properties(motet PROPERTIES INTERFACE_LINK_LIBRARIES "" INTERFACE_COMPILE_FEATURES "")
set_property(TARGET motet PROPERTY INTERFACE_INCLUDE_DIRECTORIES
             $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include> $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)

set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/Motet)
install(TARGETS motet EXPORT MotetTargets LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(DIRECTORY ${PROJECT_SOURCE_DIR}/include/motet DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
install(EXPORT MotetTargets NAMESPACE Motet:: DESTINATION ${package_dir})

configure_package_config_file(${PROJECT_SOURCE_DIR}/cmake/MotetConfig.cmake.in
                              ${CMAKE_CURRENT_BINARY_DIR}/MotetConfig.cmake INSTALL_DESTINATION ${package_dir})
write_basic_package_version_file(${CMAKE_CURRENT_BINARY_DIR}/MotetConfigVersion.cmake
                                 COMPATIBILITY SameMinorVersion)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/MotetConfig.cmake ${CMAKE_CURRENT_BINARY_DIR}/MotetConfigVersion.cmake
        DESTINATION ${package_dir})

# Relative to motet.pc itself, so that the installed tree may be moved.
cmake_path(RELATIVE_PATH CMAKE_INSTALL_PREFIX BASE_DIRECTORY ${CMAKE_INSTALL_FULL_LIBDIR}/pkgconfig
           OUTPUT_VARIABLE MOTET_PREFIX_FROM_PC)
configure_file(${PROJECT_SOURCE_DIR}/cmake/motet.pc.in ${CMAKE_CURRENT_BINARY_DIR}/motet.pc @ONLY)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/motet.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
