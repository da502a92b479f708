# The extension module weft._core and its type stub. nanobind's split mode: one stable-ABI file that
# serves every Python from the floor in pyproject.toml on, with the backend from nanobind-backend.
set(Python_FIND_VIRTUALENV FIRST)
find_package(Python 3.11 REQUIRED COMPONENTS Interpreter Development.Module OPTIONAL_COMPONENTS Development.SABIModule)
if(NOT nanobind_DIR)
  execute_process(COMMAND ${Python_EXECUTABLE} -m nanobind --cmake_dir
                  OUTPUT_STRIP_TRAILING_WHITESPACE OUTPUT_VARIABLE nanobind_DIR COMMAND_ERROR_IS_FATAL ANY)
endif()
find_package(nanobind CONFIG REQUIRED)

file(GLOB weft_binding_sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/python/bindings/*.cc)
nanobind_add_module(_core BACKEND_MODULE nanobind_backend STABLE_ABI_VERSION 3.11 NB_SUPPRESS_WARNINGS
                    ${weft_binding_sources})
target_compile_definitions(_core PRIVATE WEFT_VERSION="${PROJECT_VERSION}")
target_link_libraries(_core PRIVATE weft_archive)
# The archive's symbols stay out of the module's dynamic table: another extension may hold the same.
target_link_options(_core PRIVATE -Wl,--exclude-libs,ALL)

# Not part of the wheel, which ships the committed python/weft/_core.pyi: a test compares the two.
nanobind_add_stub(_core_stub MODULE _core OUTPUT ${CMAKE_CURRENT_BINARY_DIR}/_core.pyi
                  PYTHON_PATH $<TARGET_FILE_DIR:_core> DEPENDS _core)

install(TARGETS _core LIBRARY DESTINATION weft COMPONENT python)
