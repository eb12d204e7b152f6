# Installs the library to a prefix of its own and builds consumer/ against it, by CMake's
# find_package and by pkg-config; or builds consumer/ around the source tree.
cmake_minimum_required(VERSION 3.25)

function(run)
  execute_process(COMMAND ${ARGN} COMMAND_ECHO STDOUT COMMAND_ERROR_IS_FATAL ANY)
endfunction()

set(prefix ${WORK_DIR}/prefix)
set(consumer ${CMAKE_CURRENT_LIST_DIR}/consumer)
set(common -G ${GENERATOR} -DCMAKE_BUILD_TYPE=${BUILD_TYPE} -DCMAKE_CXX_COMPILER=${COMPILER}
    -DCMAKE_CXX_FLAGS=${FLAGS} -DCMAKE_CXX_COMPILER_LAUNCHER=${LAUNCHER}
    -DCMAKE_COMPILE_WARNING_AS_ERROR=${WARNINGS_AS_ERRORS})
file(REMOVE_RECURSE ${WORK_DIR})

if(WAY STREQUAL "subdirectory")
  run(${CMAKE_COMMAND} -S ${consumer} -B ${WORK_DIR}/consumer ${common}
    -DSHARDCACHE_SOURCE_DIR=${SOURCE_DIR})
  run(${CMAKE_COMMAND} --build ${WORK_DIR}/consumer --parallel 2)
  run(${WORK_DIR}/consumer/consumer)
  if(EXISTS ${WORK_DIR}/consumer/shardcache/bindings)
    message(FATAL_ERROR "a subdirectory builds its command although nobody asked for it")
  endif()
  return()
endif()

set(shared OFF)
if(WAY STREQUAL "shared")
  set(shared ON)
endif()
run(${CMAKE_COMMAND} -S ${SOURCE_DIR} -B ${WORK_DIR}/build ${common}
  -DCMAKE_INSTALL_PREFIX=${prefix} -DBUILD_SHARED_LIBS=${shared}
  -DSHARDCACHE_BUILD_TESTS=OFF -DSHARDCACHE_BUILD_TOOLS=OFF -DSHARDCACHE_BUILD_PYTHON=OFF
  -DSHARDCACHE_BUILD_BENCHMARKS=OFF)
run(${CMAKE_COMMAND} --build ${WORK_DIR}/build --parallel 2)
run(${CMAKE_COMMAND} --install ${WORK_DIR}/build)

# The components that are installed, each of which has a program in consumer/.
file(GLOB_RECURSE components RELATIVE ${prefix} ${prefix}/shardcache-*-component.cmake)
list(TRANSFORM components REPLACE "^.*/shardcache-(.*)-component.cmake$" "\\1")
list(JOIN components "," joined)  # a semicolon would part the arguments

run(${CMAKE_COMMAND} -S ${consumer} -B ${WORK_DIR}/consumer ${common}
  -DCMAKE_PREFIX_PATH=${prefix} -DHEADERS=${prefix}/include -DNAMED=${shared}
  -DCOMPONENTS=${joined})
run(${CMAKE_COMMAND} --build ${WORK_DIR}/consumer --parallel 2)
run(${WORK_DIR}/consumer/consumer)
foreach(component IN LISTS components)
  run(${WORK_DIR}/consumer/consumer_${component})
endforeach()

file(GLOB_RECURSE pc ${prefix}/*/shardcache.pc)
cmake_path(GET pc PARENT_PATH pc_dir)
cmake_path(GET pc_dir PARENT_PATH lib_dir)
set(ENV{PKG_CONFIG_PATH} ${pc_dir})
set(static_option "")
if(WAY STREQUAL "static")
  set(static_option --static)
endif()
# run_by_pkg_config(PROGRAM MODULE): builds and runs consumer/PROGRAM.cc.
function(run_by_pkg_config program module)
  execute_process(COMMAND pkg-config --cflags --libs ${static_option} ${module}
    OUTPUT_VARIABLE flags OUTPUT_STRIP_TRAILING_WHITESPACE COMMAND_ERROR_IS_FATAL ANY)
  separate_arguments(flags UNIX_COMMAND "${FLAGS} ${flags}")
  run(${COMPILER} -std=c++20 ${consumer}/${program}.cc -o ${WORK_DIR}/${program}_by_pkg_config
    ${flags} -Wl,-rpath,${lib_dir})
  run(${WORK_DIR}/${program}_by_pkg_config)
endfunction()
run_by_pkg_config(main shardcache)
foreach(component IN LISTS components)
  run_by_pkg_config(${component} shardcache-${component})
endforeach()

if(WAY STREQUAL "shared")
  # The version in each file's name, and nothing exported that is not public.
  list(TRANSFORM components PREPEND "shardcache-" OUTPUT_VARIABLE libraries)
  foreach(library IN LISTS libraries ITEMS shardcache)
    file(GLOB versioned ${lib_dir}/lib${library}.so.*.*.*)
    if(NOT versioned)
      message(FATAL_ERROR "the shared library ${library} has no version in its name")
    endif()
    execute_process(COMMAND nm --dynamic --defined-only --demangle ${versioned}
      OUTPUT_VARIABLE symbols COMMAND_ERROR_IS_FATAL ANY)
    string(REGEX MATCHALL "[^\n]* [TDBRV] shardcache::v0::internal[^\n]*" internals "${symbols}")
    if(internals)
      message(FATAL_ERROR "the shared library ${library} exports internals: ${internals}")
    endif()
  endforeach()
endif()
