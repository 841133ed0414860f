# CPack: one Debian package per component of ForesightInstall.cmake, and one
# tarball of all. deploy/package.sh runs it.
#
# FORESIGHT_VARIANT distinguishes packages that are built differently but install
# the same files: -fused (no LibTorch) or -cuda.
set(FORESIGHT_VARIANT "" CACHE STRING "Suffix of the packages' names")

set(CPACK_PACKAGE_NAME foresight)
set(CPACK_PACKAGE_VENDOR "the foresight authors")
set(CPACK_PACKAGE_CONTACT "the foresight authors <foresight@localhost>")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY
    "Inference-time adaptation of control policies, as a gRPC server")
set(CPACK_RESOURCE_FILE_LICENSE "${CMAKE_SOURCE_DIR}/LICENSE")
set(CPACK_PACKAGE_VERSION "${PROJECT_VERSION}")
set(CPACK_STRIP_FILES ON)
set(CPACK_THREADS 0)

set(CPACK_COMPONENTS_ALL ${FORESIGHT_COMPONENTS})
if(NOT FORESIGHT_LIBTORCH)
  list(REMOVE_ITEM CPACK_COMPONENTS_ALL train)
elseif("server" IN_LIST CPACK_COMPONENTS_ALL OR "train" IN_LIST
                                                CPACK_COMPONENTS_ALL)
  list(APPEND CPACK_COMPONENTS_ALL torch)
  set(CPACK_COMPONENT_SERVER_DEPENDS torch)
  set(CPACK_COMPONENT_TRAIN_DEPENDS torch)
endif()
set(CPACK_COMPONENT_SERVER_DESCRIPTION
    "foresight-server, foresight-bench and pretrained models")
set(CPACK_COMPONENT_TOOLS_DESCRIPTION
    "foresight-run, -gather, -load and -inspect, with MuJoCo")
set(CPACK_COMPONENT_TRAIN_DESCRIPTION
    "foresight-train: makes models from recorded data")
set(CPACK_COMPONENT_TORCH_DESCRIPTION
    "The LibTorch libraries that foresight's programs load")
set(CPACK_COMPONENT_CLIENT-LIBRARY_DESCRIPTION
    "The C++ client library of foresight, with its CMake package")

# --- the tarball ---------------------------------------------------------------
set(CPACK_PACKAGE_FILE_NAME
    "foresight${FORESIGHT_VARIANT}-${PROJECT_VERSION}-debian12-${CMAKE_SYSTEM_PROCESSOR}")
set(CPACK_ARCHIVE_COMPONENT_INSTALL OFF)

# --- Debian packages -----------------------------------------------------------
set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_COMPRESSION_TYPE zstd)  # xz takes minutes for LibTorch.
set(CPACK_DEBIAN_PACKAGE_SECTION science)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS_PRIVATE_DIRS
    "${TORCH_WHEEL_ROOT}/torch/lib" "${TORCH_WHEEL_ROOT}/nvidia/cu13/lib"
    "${MUJOCO_WHEEL_ROOT}/mujoco")
set(CPACK_DEBIAN_ENABLE_COMPONENT_DEPENDS ON)
set(CPACK_DEBIAN_TOOLS_PACKAGE_NAME foresight-tools)
foreach(component server train torch)
  string(TOUPPER ${component} key)
  set(CPACK_DEBIAN_${key}_PACKAGE_NAME
      "foresight-${component}${FORESIGHT_VARIANT}")
  if(FORESIGHT_VARIANT)
    set(CPACK_DEBIAN_${key}_PACKAGE_PROVIDES "foresight-${component}")
    set(CPACK_DEBIAN_${key}_PACKAGE_CONFLICTS "foresight-${component}")
  endif()
endforeach()
set(CPACK_DEBIAN_CLIENT-LIBRARY_PACKAGE_NAME libforesight-client-dev)
set(CPACK_DEBIAN_CLIENT-LIBRARY_PACKAGE_SECTION libdevel)
set(CPACK_DEBIAN_CLIENT-LIBRARY_PACKAGE_DEPENDS
    "libgrpc++-dev, libprotobuf-dev, libabsl-dev, libssl-dev")

file(WRITE "${CMAKE_BINARY_DIR}/torch-copyright"
     "The licences of these libraries are in /usr/share/doc/foresight/wheels.\n")
foreach(component IN LISTS CPACK_COMPONENTS_ALL)
  string(TOUPPER ${component} key)
  set(licence LICENSE)
  if(component STREQUAL "torch")
    set(licence "${CMAKE_BINARY_DIR}/torch-copyright")
  endif()
  install(
    FILES "${licence}" RENAME copyright
    DESTINATION "share/doc/${CPACK_DEBIAN_${key}_PACKAGE_NAME}"
    COMPONENT ${component})
endforeach()
include(CPack)
