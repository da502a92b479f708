# The library weft (weft::weft), static or shared; weft_archive, always static, which weft._core
# holds; and weft_internal, for tests, fuzz targets and benchmarks, which see src/ and hidden symbols.

set(THREADS_PREFER_PTHREAD_FLAG ON)
find_package(Threads REQUIRED)
find_package(ZLIB REQUIRED)
find_path(WEFT_NLOHMANN_JSON nlohmann/json.hpp REQUIRED)

# A new .cc file in a room needs no edit here.
file(GLOB weft_headers CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/include/weft/*.h)
file(GLOB weft_sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/src/*/*.cc)
file(GLOB weft_kernel_sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/src/*/*_kernel.cc)
list(REMOVE_ITEM weft_sources ${weft_kernel_sources})

set(weft_kernel_objects)
if(weft_kernel_sources)
  weft_add_kernels(weft_kernel_objects ${weft_kernel_sources})
endif()

add_library(weft_objects OBJECT ${weft_sources})
target_include_directories(weft_objects PRIVATE ${PROJECT_SOURCE_DIR}/include ${PROJECT_SOURCE_DIR}/src)
target_compile_definitions(weft_objects PRIVATE WEFT_VERSION="${PROJECT_VERSION}")
target_include_directories(weft_objects SYSTEM PRIVATE ${WEFT_NLOHMANN_JSON})
target_link_libraries(weft_objects PRIVATE Threads::Threads ZLIB::ZLIB)

function(weft_add_library target)
  add_library(${target} ${ARGN} $<TARGET_OBJECTS:weft_objects> ${weft_kernel_objects})
  target_compile_features(${target} PUBLIC cxx_std_20)
  target_include_directories(${target} PUBLIC $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include>
                                              $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
  target_link_libraries(${target} PRIVATE ZLIB::ZLIB PUBLIC Threads::Threads)
  set_target_properties(${target} PROPERTIES LINKER_LANGUAGE CXX)
endfunction()

weft_add_library(weft)
add_library(weft::weft ALIAS weft)
set_target_properties(weft PROPERTIES VERSION ${PROJECT_VERSION}
                                      SOVERSION ${PROJECT_VERSION_MAJOR}.${PROJECT_VERSION_MINOR})
if(BUILD_SHARED_LIBS)
  if(NOT WEFT_SANITIZE)
    target_link_options(weft PRIVATE -Wl,--no-undefined)
  endif()
  # The same objects: nothing is compiled twice.
  weft_add_library(weft_archive STATIC EXCLUDE_FROM_ALL)
else()
  add_library(weft_archive ALIAS weft)
endif()

add_library(weft_internal INTERFACE)
target_link_libraries(weft_internal INTERFACE weft_archive)
target_include_directories(weft_internal INTERFACE ${PROJECT_SOURCE_DIR}/src ${PROJECT_SOURCE_DIR})
