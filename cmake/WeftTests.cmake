# tests/*_test.cc in one binary. It runs once as it is and once per slower instruction set: every
# path must pass every test.
find_package(GTest REQUIRED)
file(GLOB weft_test_sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/tests/*_test.cc)
if(weft_test_sources)
  add_executable(weft_tests ${weft_test_sources})
  target_compile_definitions(weft_tests PRIVATE WEFT_SOURCE_DIR="${PROJECT_SOURCE_DIR}"
                                                WEFT_VERSION="${PROJECT_VERSION}")
  target_link_libraries(weft_tests PRIVATE weft_internal weft_protos GTest::gtest GTest::gtest_main)
  add_test(NAME weft_tests COMMAND weft_tests --gtest_brief=1)
  foreach(isa plain v2 v3)
    add_test(NAME weft_tests_${isa} COMMAND weft_tests --gtest_brief=1)
    set_tests_properties(weft_tests_${isa} PROPERTIES ENVIRONMENT WEFT_ISA=${isa})
  endforeach()
endif()
