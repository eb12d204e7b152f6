# A component: library shardcache-NAME (target shardcache::NAME) beside the core, on whose public
# headers alone it stands. Installs it with what find_package(shardcache COMPONENTS NAME) and
# pkg-config need, and makes shardcache_NAME_internals of it, with everything visible, for tests.
# Its public headers are in include/shardcache.
#   shardcache_component(NAME name DESCRIPTION text SOURCES file...
#     [LINK target...]       # beside shardcache::shardcache; whoever uses the component links them
#     [PACKAGES package...]  # CMake packages which targets of LINK are from
#     [MODULES module...])   # pkg-config modules; found and linked as PkgConfig::MODULE
function(shardcache_component)
  cmake_parse_arguments(PARSE_ARGV 0 arg "" "NAME;DESCRIPTION" "SOURCES;LINK;PACKAGES;MODULES")
  set(links ${arg_LINK})
  foreach(package IN LISTS arg_PACKAGES)
    find_package(${package} REQUIRED)
  endforeach()
  foreach(module IN LISTS arg_MODULES)
    string(TOUPPER ${module} target)
    if(NOT TARGET PkgConfig::${target})
      pkg_check_modules(${target} REQUIRED IMPORTED_TARGET GLOBAL ${module})
    endif()
    list(APPEND links PkgConfig::${target})
  endforeach()

  # The objects are compiled once, for the library and for the tests of its internals.
  set(objects shardcache_${arg_NAME}_objects)
  add_library(${objects} OBJECT ${arg_SOURCES})
  set_target_properties(${objects} PROPERTIES
    POSITION_INDEPENDENT_CODE ON
    CXX_EXTENSIONS OFF
    CXX_VISIBILITY_PRESET hidden
    VISIBILITY_INLINES_HIDDEN ON)
  target_include_directories(${objects} PRIVATE ${PROJECT_SOURCE_DIR}/include)
  target_link_libraries(${objects} PRIVATE shardcache_build ${links})

  set(library shardcache-${arg_NAME})
  add_library(${library} $<TARGET_OBJECTS:${objects}>)
  add_library(shardcache::${arg_NAME} ALIAS ${library})
  target_link_libraries(${library} PUBLIC shardcache ${links})
  set_target_properties(${library} PROPERTIES
    EXPORT_NAME ${arg_NAME}
    INSTALL_RPATH "$ORIGIN"  # where the core is
    LINKER_LANGUAGE CXX
    VERSION ${PROJECT_VERSION}
    SOVERSION ${PROJECT_VERSION_MAJOR})

  if(SHARDCACHE_BUILD_TESTS OR SHARDCACHE_BUILD_BENCHMARKS)
    add_library(shardcache_${arg_NAME}_internals STATIC $<TARGET_OBJECTS:${objects}>)
    set_target_properties(shardcache_${arg_NAME}_internals PROPERTIES LINKER_LANGUAGE CXX)
    target_link_libraries(shardcache_${arg_NAME}_internals PUBLIC shardcache_internals ${links})
  endif()

  shardcache_install_component(${library} "${arg_DESCRIPTION}" "${arg_PACKAGES}" "${arg_MODULES}")
endfunction()

# Installs the library, its targets with what finds their dependencies, and its pkg-config file.
function(shardcache_install_component library description packages modules)
  string(REPLACE "shardcache-" "" name ${library})
  set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/shardcache)
  install(TARGETS ${library} EXPORT ${library}-targets
    RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR}
    LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR}
    ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
  install(EXPORT ${library}-targets NAMESPACE shardcache:: DESTINATION ${package_dir})

  configure_file(${PROJECT_SOURCE_DIR}/lib/shardcache-component.cmake.in
    ${CMAKE_CURRENT_BINARY_DIR}/${library}-component.cmake @ONLY)
  install(FILES ${CMAKE_CURRENT_BINARY_DIR}/${library}-component.cmake DESTINATION ${package_dir})

  list(JOIN modules ", " requires)
  string(PREPEND requires "shardcache = ${PROJECT_VERSION}, ")
  string(REGEX REPLACE ", $" "" requires "${requires}")
  set(pc_libs_private "")
  if(NOT BUILD_SHARED_LIBS AND "Threads" IN_LIST packages)
    set(pc_libs_private "-pthread")
  endif()
  configure_file(${PROJECT_SOURCE_DIR}/lib/shardcache-component.pc.in
    ${CMAKE_CURRENT_BINARY_DIR}/${library}.pc @ONLY)
  install(FILES ${CMAKE_CURRENT_BINARY_DIR}/${library}.pc
    DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
endfunction()
