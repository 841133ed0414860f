# foresight_proto(<target> ROOT <import root> FILES <relative .proto>...
#                 [GRPC] [DEPS <target>...])
# Builds the messages as the static library <target>; with GRPC also the stubs,
# as <target>_grpc. Generated headers are included by their path below ROOT, or
# as foresight/<path>, which is where they are installed.
function(foresight_proto target)
  cmake_parse_arguments(ARG "GRPC" "ROOT" "FILES;DEPS" ${ARGN})
  set(out "${CMAKE_BINARY_DIR}/generated/foresight")
  file(MAKE_DIRECTORY "${out}")
  set(import_path -I "${ARG_ROOT}" -I "${Protobuf_INCLUDE_DIRS}")
  foreach(file IN LISTS ARG_FILES)
    string(REGEX REPLACE "\\.proto$" "" stem "${file}")
    set(messages "${out}/${stem}.pb.cc" "${out}/${stem}.pb.h")
    add_custom_command(
      OUTPUT ${messages}
      COMMAND protobuf::protoc ${import_path} --cpp_out "${out}" "${file}"
      DEPENDS "${ARG_ROOT}/${file}" VERBATIM)
    list(APPEND message_sources ${messages})
    if(ARG_GRPC)
      set(stubs "${out}/${stem}.grpc.pb.cc" "${out}/${stem}.grpc.pb.h")
      add_custom_command(
        OUTPUT ${stubs}
        COMMAND
          protobuf::protoc ${import_path} --grpc_out "${out}"
          "--plugin=protoc-gen-grpc=$<TARGET_FILE:gRPC::grpc_cpp_plugin>"
          "${file}"
        DEPENDS "${ARG_ROOT}/${file}" VERBATIM)
      list(APPEND stub_sources ${stubs})
    endif()
  endforeach()
  add_library(${target} STATIC ${message_sources})
  target_include_directories(
    ${target} SYSTEM PUBLIC "$<BUILD_INTERFACE:${out}>"
                            "$<BUILD_INTERFACE:${CMAKE_BINARY_DIR}/generated>")
  target_link_libraries(${target} PUBLIC protobuf::libprotobuf ${ARG_DEPS})
  if(ARG_GRPC)
    add_library(${target}_grpc STATIC ${stub_sources})
    target_link_libraries(${target}_grpc PUBLIC ${target} gRPC::grpc++)
  endif()
endfunction()
