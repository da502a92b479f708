# What find_package(weft) and pkg-config need, in any prefix.
include(CMakePackageConfigHelpers)
set(weft_cmake_dir ${CMAKE_INSTALL_LIBDIR}/cmake/weft)

install(TARGETS weft EXPORT weftTargets COMPONENT cpp)
install(FILES ${weft_headers} DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/weft COMPONENT cpp)
install(EXPORT weftTargets NAMESPACE weft:: DESTINATION ${weft_cmake_dir} COMPONENT cpp)

configure_package_config_file(cmake/weftConfig.cmake.in ${PROJECT_BINARY_DIR}/weftConfig.cmake
                              INSTALL_DESTINATION ${weft_cmake_dir})
write_basic_package_version_file(${PROJECT_BINARY_DIR}/weftConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/weftConfig.cmake ${PROJECT_BINARY_DIR}/weftConfigVersion.cmake
        DESTINATION ${weft_cmake_dir} COMPONENT cpp)

# A shared libweft.so carries its own dependencies; an archive hands them to whoever links it.
if(NOT BUILD_SHARED_LIBS)
  set(weft_pc_requires "zlib")
  set(weft_pc_libs " -pthread -lstdc++ -lm")
endif()
# Found from where the .pc lies, so that the installed folder may be moved.
file(RELATIVE_PATH weft_pc_prefix /prefix/${CMAKE_INSTALL_LIBDIR}/pkgconfig /prefix)
configure_file(cmake/weft.pc.in ${PROJECT_BINARY_DIR}/weft.pc @ONLY)
install(FILES ${PROJECT_BINARY_DIR}/weft.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig COMPONENT cpp)
