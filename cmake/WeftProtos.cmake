# weft_protos: tests/proto/*.proto compiled for the protobuf library, the oracle of the parser. Only
# where protobuf is installed; then WEFT_HAVE_PROTOBUF is defined for whoever links it.
add_library(weft_protos INTERFACE)
file(GLOB weft_proto_files CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/tests/proto/*.proto)
find_package(Protobuf QUIET)
if(weft_proto_files AND Protobuf_FOUND AND Protobuf_PROTOC_EXECUTABLE)
  set(proto_dir ${PROJECT_BINARY_DIR}/protos)
  file(MAKE_DIRECTORY ${proto_dir})
  set(proto_sources)
  foreach(proto IN LISTS weft_proto_files)
    cmake_path(GET proto STEM stem)
    list(APPEND proto_sources ${proto_dir}/${stem}.pb.cc)
    add_custom_command(
      OUTPUT ${proto_dir}/${stem}.pb.cc ${proto_dir}/${stem}.pb.h
      COMMAND ${Protobuf_PROTOC_EXECUTABLE} --cpp_out=${proto_dir} -I ${PROJECT_SOURCE_DIR}/tests/proto ${proto}
      DEPENDS ${proto} VERBATIM)
  endforeach()
  add_library(weft_protos_generated STATIC EXCLUDE_FROM_ALL ${proto_sources})
  target_compile_options(weft_protos_generated PRIVATE -w)
  target_include_directories(weft_protos_generated SYSTEM PUBLIC ${proto_dir})
  target_link_libraries(weft_protos_generated PUBLIC protobuf::libprotobuf)
  target_link_libraries(weft_protos INTERFACE weft_protos_generated)
  target_compile_definitions(weft_protos INTERFACE WEFT_HAVE_PROTOBUF=1)
endif()
