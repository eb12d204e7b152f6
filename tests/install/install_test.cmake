# Installs the library to a prefix of its own and builds consumer/ against it, by CMake's
# find_package and by pkg-config; or builds consumer/ around the source tree.
cmake_minimum_required(VERSION 3.25)

function(run)
  execute_process(COMMAND ${ARGN} COMMAND_ECHO STDOUT COMMAND_ERROR_IS_FATAL ANY)
endfunction()

set(prefix ${WORK_DIR}/prefix)
set(consumer ${CMAKE_CURRENT_LIST_DIR}/consumer)
set(common -G ${GENERATOR} -DCMAKE_BUILD_TYPE=Debug -DCMAKE_CXX_COMPILER=${COMPILER} -DCMAKE_CXX_FLAGS=${FLAGS}
    -DCMAKE_CXX_COMPILER_LAUNCHER=${LAUNCHER})
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

run(${CMAKE_COMMAND} -S ${consumer} -B ${WORK_DIR}/consumer ${common}
  -DCMAKE_PREFIX_PATH=${prefix} -DHEADERS=${prefix}/include)
run(${CMAKE_COMMAND} --build ${WORK_DIR}/consumer --parallel 2)
run(${WORK_DIR}/consumer/consumer)

file(GLOB_RECURSE pc ${prefix}/*/shardcache.pc)
cmake_path(GET pc PARENT_PATH pc_dir)
cmake_path(GET pc_dir PARENT_PATH lib_dir)
set(ENV{PKG_CONFIG_PATH} ${pc_dir})
set(static_option "")
if(WAY STREQUAL "static")
  set(static_option --static)
endif()
execute_process(COMMAND pkg-config --cflags --libs ${static_option} shardcache
  OUTPUT_VARIABLE flags OUTPUT_STRIP_TRAILING_WHITESPACE COMMAND_ERROR_IS_FATAL ANY)
separate_arguments(flags UNIX_COMMAND "${FLAGS} ${flags}")
run(${COMPILER} -std=c++20 ${consumer}/main.cc -o ${WORK_DIR}/by_pkg_config ${flags}
  -Wl,-rpath,${lib_dir})
run(${WORK_DIR}/by_pkg_config)

if(WAY STREQUAL "shared")
  # The version in the file's name, and nothing exported that is not public.
  file(GLOB versioned ${lib_dir}/libshardcache.so.*.*.*)
  if(NOT versioned)
    message(FATAL_ERROR "the shared library has no version in its name")
  endif()
  execute_process(COMMAND nm --dynamic --defined-only --demangle ${versioned}
    OUTPUT_VARIABLE symbols COMMAND_ERROR_IS_FATAL ANY)
  string(REGEX MATCHALL "[^\n]* [TDBRV] shardcache::v0::internal[^\n]*" internals "${symbols}")
  if(internals)
    message(FATAL_ERROR "the shared library exports internals: ${internals}")
  endif()
endif()
