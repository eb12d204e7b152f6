# Installs headers, library, the CMake package and the pkg-config file.
include(CMakePackageConfigHelpers)

set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/shardcache)
install(TARGETS shardcache EXPORT shardcache-targets
  RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR}
  LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR}
  ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(DIRECTORY ${PROJECT_SOURCE_DIR}/include/shardcache
  DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} FILES_MATCHING PATTERN "*.h"
  PATTERN "libmemcached*.h" EXCLUDE)  # which the component installs
install(EXPORT shardcache-targets NAMESPACE shardcache:: DESTINATION ${package_dir})

configure_package_config_file(shardcache-config.cmake.in
  ${CMAKE_CURRENT_BINARY_DIR}/shardcache-config.cmake INSTALL_DESTINATION ${package_dir})
write_basic_package_version_file(${CMAKE_CURRENT_BINARY_DIR}/shardcache-config-version.cmake
  COMPATIBILITY SameMinorVersion)
install(FILES
  ${CMAKE_CURRENT_BINARY_DIR}/shardcache-config.cmake
  ${CMAKE_CURRENT_BINARY_DIR}/shardcache-config-version.cmake
  DESTINATION ${package_dir})

# A static archive leaves the C++ runtime to whoever links it, which may be a C compiler.
set(pc_libs_private "")
if(NOT BUILD_SHARED_LIBS)
  set(pc_libs_private "-lstdc++")
endif()
configure_file(shardcache.pc.in ${CMAKE_CURRENT_BINARY_DIR}/shardcache.pc @ONLY)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/shardcache.pc
  DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
