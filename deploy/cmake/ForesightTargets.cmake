# Builds this project's own targets. Third-party headers are SYSTEM, so that
# -Werror applies to our code only.
add_library(foresight_options INTERFACE)
target_include_directories(foresight_options INTERFACE "${CMAKE_SOURCE_DIR}")
target_compile_options(foresight_options INTERFACE -Wall -Wextra -Wpedantic
                                                   -Wshadow -Werror)
if(CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
  # Checks ABSL_GUARDED_BY and similar annotations, which g++ ignores.
  target_compile_options(foresight_options INTERFACE -Wthread-safety
                                                     -Werror=thread-safety)
endif()

if(FORESIGHT_SANITIZER STREQUAL "address")
  # vptr wants type information that a build without LibTorch lacks.
  add_compile_options(-fsanitize=address,undefined -fno-sanitize=vptr
                      -fno-sanitize-recover=all -fno-omit-frame-pointer)
  add_link_options(-fsanitize=address,undefined)
elseif(FORESIGHT_SANITIZER STREQUAL "thread")
  add_compile_options(-fsanitize=thread -fno-omit-frame-pointer)
  # An RPATH, unlike a RUNPATH, also holds for the libraries that libgrpc loads:
  # the whole process has one abseil, the instrumented one.
  add_link_options(-fsanitize=thread -Wl,--disable-new-dtags)
elseif(FORESIGHT_SANITIZER)
  message(FATAL_ERROR "FORESIGHT_SANITIZER is ${FORESIGHT_SANITIZER}; "
                      "expected address, thread or nothing")
endif()

if(FORESIGHT_FUZZ)
  add_compile_options(-fsanitize=fuzzer-no-link)
endif()

# foresight_library(<name> SOURCES <file>... [DEPS <public target>...]
#                   [PRIVATE_DEPS <target>...])
function(foresight_library name)
  cmake_parse_arguments(ARG "" "" "SOURCES;DEPS;PRIVATE_DEPS" ${ARGN})
  add_library(${name} STATIC ${ARG_SOURCES})
  # An installed library must not set its users' warnings.
  target_link_libraries(
    ${name}
    PUBLIC $<BUILD_INTERFACE:foresight_options> ${ARG_DEPS}
    PRIVATE ${ARG_PRIVATE_DEPS})
endfunction()

# foresight_program(<name> SOURCES <file>... DEPS <target>...)
function(foresight_program name)
  cmake_parse_arguments(ARG "" "" "SOURCES;DEPS" ${ARGN})
  add_executable(${name} ${ARG_SOURCES})
  target_compile_definitions(${name}
                             PRIVATE FORESIGHT_VERSION="${PROJECT_VERSION}")
  target_link_libraries(${name} PRIVATE foresight_options ${ARG_DEPS})
endfunction()

# foresight_test(<path>_test DEPS <target>...): tests/<path>_test.cc, which
# tests <path>.h. Each case runs as a test of its own. FORESIGHT_SOURCE_DIR and
# FORESIGHT_SHARED_DIR (data beside the checkout; may not exist) are defined.
# SERIAL: no other test runs at the same time.
function(foresight_test path)
  cmake_parse_arguments(ARG "SERIAL" "TIMEOUT" "DEPS" ${ARGN})
  if(NOT ARG_TIMEOUT)
    set(ARG_TIMEOUT 120)
  endif()
  set(serial OFF)
  if(ARG_SERIAL)
    set(serial ON)
  endif()
  string(REPLACE "/" "." name "${path}")
  add_executable(${name} "${CMAKE_SOURCE_DIR}/tests/${path}.cc")
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY
                                           "${CMAKE_BINARY_DIR}/tests")
  target_compile_definitions(
    ${name}
    PRIVATE FORESIGHT_SOURCE_DIR="${CMAKE_SOURCE_DIR}"
            FORESIGHT_BUILD_DIR="${CMAKE_BINARY_DIR}"
            FORESIGHT_DEPS_DIR="${FORESIGHT_DEPS}"
            FORESIGHT_SHARED_DIR="${CMAKE_SOURCE_DIR}/../shared")
  target_link_libraries(${name} PRIVATE foresight_options ${ARG_DEPS}
                                        GTest::gmock GTest::gtest_main)
  gtest_discover_tests(
    ${name} TEST_PREFIX "${path}:" DISCOVERY_TIMEOUT 60
    WORKING_DIRECTORY "${CMAKE_SOURCE_DIR}"
    # Tests run side by side, so OpenMP's threads would only disturb one
    # another. A test that wants several threads asks LibTorch for them.
    PROPERTIES TIMEOUT ${ARG_TIMEOUT} RUN_SERIAL ${serial} ENVIRONMENT
               OMP_NUM_THREADS=1)
endfunction()

# foresight_script_test(<path>_test[:<case>] COMMAND <command>...
#                       [PYTHONPATH <folder>...]): tests/<path>_test.py or .sh,
# which exits with 0. PYTHONPATH holds the given folders, then the wheels of
# .deps; exit code 77 is "skipped".
function(foresight_script_test name)
  string(REGEX REPLACE ":.*" "" path "${name}")
  file(GLOB script "${CMAKE_SOURCE_DIR}/tests/${path}.*")
  if(NOT script OR NOT path MATCHES "_(test|fuzzer)$")
    message(FATAL_ERROR "The test ${name} is not named after a file in tests/")
  endif()
  cmake_parse_arguments(ARG "" "TIMEOUT" "COMMAND;PYTHONPATH" ${ARGN})
  list(APPEND ARG_PYTHONPATH "${FORESIGHT_DEPS}/python"
       "${FORESIGHT_DEPS}/mujoco")
  list(JOIN ARG_PYTHONPATH ":" python_path)
  if(NOT ARG_TIMEOUT)
    set(ARG_TIMEOUT 120)
  endif()
  add_test(NAME ${name} COMMAND ${ARG_COMMAND}
           WORKING_DIRECTORY "${CMAKE_SOURCE_DIR}")
  set_tests_properties(
    ${name}
    PROPERTIES
      TIMEOUT ${ARG_TIMEOUT} SKIP_RETURN_CODE 77 ENVIRONMENT
      "PYTHONPATH=${python_path};PYTHONDONTWRITEBYTECODE=1;FORESIGHT_BUILD_DIR=${CMAKE_BINARY_DIR};FORESIGHT_DEPS=${FORESIGHT_DEPS}"
  )
endfunction()
