# find_package(foresight) gives foresight::client, the C++ client library, and
# foresight::fake_server, a server for tests of programs that use it.
include(CMakeFindDependencyMacro)
find_dependency(Threads)
find_dependency(OpenSSL)
find_dependency(Protobuf)
find_dependency(absl CONFIG)
find_dependency(gRPC CONFIG)
include("${CMAKE_CURRENT_LIST_DIR}/foresight-targets.cmake")
