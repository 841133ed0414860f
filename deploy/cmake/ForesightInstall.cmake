# The installed files, by component:
#   server          foresight-server, foresight-bench and the pretrained models
#   tools           foresight-run, foresight-gather, foresight-load and
#                   foresight-inspect, with MuJoCo
#   train           foresight-train and its recipes
#   torch           the LibTorch libraries that server and train load
#   client-library  foresight::client and foresight::fake_server for C++, and
#                   the .proto files
# Programs find their libraries by a path relative to themselves, so the
# installed tree can be moved.
set(FORESIGHT_COMPONENTS "server;tools;train;client-library" CACHE STRING
    "What can be installed; torch follows from it")
set(private_libraries "lib/foresight")
# The wheels' folder, escaped for a regular expression.
string(REGEX REPLACE "([][+.*^$()|?])" "\\\\\\1" wheels "${FORESIGHT_DEPS}")

# Lists the static libraries of this project that `target` is linked from,
# itself included.
function(foresight_static_closure target out)
  set(found ${${out}})
  if(NOT TARGET ${target} OR target IN_LIST found)
    return()
  endif()
  get_target_property(type ${target} TYPE)
  get_target_property(imported ${target} IMPORTED)
  if(imported OR NOT type STREQUAL "STATIC_LIBRARY")
    return()
  endif()
  list(APPEND found ${target})
  get_target_property(links ${target} LINK_LIBRARIES)
  foreach(link IN LISTS links)
    foresight_static_closure("${link}" found)
  endforeach()
  set(${out} ${found} PARENT_SCOPE)
endfunction()

# foresight_install_programs(<component> LIBRARIES <component> <program>...)
# installs the programs, and puts the stripped libraries that they load from the
# wheels into the component LIBRARIES.
function(foresight_install_programs component)
  cmake_parse_arguments(ARG "" "LIBRARIES" "" ${ARGN})
  set_target_properties(
    ${ARG_UNPARSED_ARGUMENTS} PROPERTIES INSTALL_RPATH
                                         "$ORIGIN/../${private_libraries}")
  install(
    TARGETS ${ARG_UNPARSED_ARGUMENTS}
    RUNTIME_DEPENDENCY_SET ${component}_libraries
    RUNTIME DESTINATION bin COMPONENT ${component})
  install(
    RUNTIME_DEPENDENCY_SET ${component}_libraries
    PRE_EXCLUDE_REGEXES "^lib(c|m|stdc\\+\\+|gcc_s|pthread|dl|rt)\\.so" "^ld-linux"
    POST_INCLUDE_REGEXES "^${wheels}/"
    POST_EXCLUDE_REGEXES ".*"
    LIBRARY DESTINATION "${private_libraries}" COMPONENT ${ARG_LIBRARIES})
  install(
    CODE "file(GLOB libraries
  \"\$ENV{DESTDIR}\${CMAKE_INSTALL_PREFIX}/${private_libraries}/*.so*\")
foreach(library IN LISTS libraries)
  execute_process(COMMAND \"${CMAKE_STRIP}\" --strip-unneeded \"\${library}\"
                  COMMAND_ERROR_IS_FATAL ANY)
endforeach()"
    COMPONENT ${ARG_LIBRARIES})
endfunction()

# Installs the licence, name and version of a wheel whose files are shipped.
function(foresight_install_wheel_notice component dist_info)
  file(GLOB folders "${FORESIGHT_DEPS}/*/${dist_info}-*.dist-info")
  foreach(folder IN LISTS folders)
    install(
      DIRECTORY "${folder}"
      DESTINATION share/doc/foresight/wheels
      COMPONENT ${component}
      FILES_MATCHING
      PATTERN METADATA
      PATTERN "licenses/*")
  endforeach()
endfunction()

# --- server --------------------------------------------------------------------
if("server" IN_LIST FORESIGHT_COMPONENTS)
  foresight_install_programs(server LIBRARIES torch foresight-server
                             foresight-bench)
  install(DIRECTORY models/pretrained/halfcheetah-medium-replay
          DESTINATION share/foresight/models COMPONENT server)
  install(FILES deploy/RELEASE.md DESTINATION share/doc/foresight
          COMPONENT server)
  # deploy/package.sh lists the Debian packages that the tarball needs.
  install(FILES "${CMAKE_BINARY_DIR}/debian-packages" OPTIONAL
          DESTINATION share/doc/foresight COMPONENT server)
endif()

# --- tools ---------------------------------------------------------------------
if("tools" IN_LIST FORESIGHT_COMPONENTS)
  foresight_install_programs(tools LIBRARIES tools foresight-run
                             foresight-gather foresight-load foresight-inspect)
  install(DIRECTORY "${MUJOCO_WHEEL_ROOT}/gymnasium/envs/mujoco/assets/"
          DESTINATION share/foresight/assets COMPONENT tools)
  install(FILES client/run/report_page.py client/run/imagination.py
                client/run/video.py
          DESTINATION share/foresight COMPONENT tools)
  foresight_install_wheel_notice(tools mujoco_core)
  foresight_install_wheel_notice(tools gymnasium)
endif()

# --- train and LibTorch --------------------------------------------------------
if(FORESIGHT_LIBTORCH)
  if("train" IN_LIST FORESIGHT_COMPONENTS)
    foresight_install_programs(train LIBRARIES torch foresight-train)
    install(DIRECTORY models/training/recipes DESTINATION share/foresight
            COMPONENT train)
  endif()
  foresight_install_wheel_notice(torch torch)
  foresight_install_wheel_notice(torch nvidia_*)
endif()

# --- client-library ------------------------------------------------------------
if(NOT "client-library" IN_LIST FORESIGHT_COMPONENTS)
  return()
endif()
set(client_libraries "")
foresight_static_closure(foresight_fake_server client_libraries)
foreach(library IN LISTS client_libraries)
  string(REPLACE "foresight_" "" name ${library})
  # Robots link the client into plug-ins.
  set_target_properties(${library} PROPERTIES EXPORT_NAME ${name}
                                              POSITION_INDEPENDENT_CODE ON)
endforeach()
add_custom_target(client-library DEPENDS ${client_libraries})
install(
  TARGETS ${client_libraries}
  EXPORT foresight
  ARCHIVE DESTINATION lib COMPONENT client-library
  INCLUDES DESTINATION include)
install(DIRECTORY client/include/foresight DESTINATION include
        COMPONENT client-library)
install(FILES "${CMAKE_BINARY_DIR}/generated/foresight/proto/adaptation.pb.h"
        DESTINATION include/foresight/proto COMPONENT client-library)
install(FILES proto/adaptation.proto proto/admin.proto proto/bundle.proto
        DESTINATION share/foresight/proto COMPONENT client-library)
install(EXPORT foresight NAMESPACE foresight:: FILE foresight-targets.cmake
        DESTINATION lib/cmake/foresight COMPONENT client-library)
include(CMakePackageConfigHelpers)
write_basic_package_version_file(
  "${CMAKE_BINARY_DIR}/foresight-config-version.cmake"
  COMPATIBILITY SameMinorVersion)
install(FILES deploy/cmake/foresight-config.cmake
              "${CMAKE_BINARY_DIR}/foresight-config-version.cmake"
        DESTINATION lib/cmake/foresight COMPONENT client-library)
