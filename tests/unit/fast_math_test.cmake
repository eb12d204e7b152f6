# Builds the library with flags that break careless floating point and that make `char`
# unsigned, and runs the tests that would notice.
cmake_minimum_required(VERSION 3.25)

set(flags "-Ofast -ffast-math -funsigned-char")
file(READ /proc/cpuinfo cpu)
if(cpu MATCHES "flags[^\n]* fma ")
  string(APPEND flags " -mfma")
endif()
set(tests hash_test ketama_groups_test golden_test placement_test)

function(run)
  execute_process(COMMAND ${ARGN} COMMAND_ECHO STDOUT COMMAND_ERROR_IS_FATAL ANY)
endfunction()

run(${CMAKE_COMMAND} -S ${SOURCE_DIR} -B ${BUILD_DIR} -G ${GENERATOR}
  -DCMAKE_BUILD_TYPE=Release
  -DCMAKE_CXX_COMPILER=${COMPILER}
  -DCMAKE_CXX_COMPILER_LAUNCHER=${LAUNCHER}
  -DCMAKE_CXX_FLAGS=${flags}
  -DSHARDCACHE_BUILD_TOOLS=OFF
  -DSHARDCACHE_BUILD_PYTHON=OFF
  -DSHARDCACHE_BUILD_BENCHMARKS=OFF)
run(${CMAKE_COMMAND} --build ${BUILD_DIR} --parallel 2 --target ${tests})
foreach(test IN LISTS tests)
  run(${BUILD_DIR}/tests/unit/${test} --gtest_brief=1)
endforeach()
