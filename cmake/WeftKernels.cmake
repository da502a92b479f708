# weft_add_kernels(SOURCES out_objects)
#
# Compiles every src/*/*_kernel.cc once per instruction set, into namespaces weft::plain, weft::v2,
# weft::v3 and weft::v4 (the x86-64 micro-architecture levels); off x86 there is only plain. The
# caller gets the objects of all of them. WEFT_ISA is the namespace, WEFT_ISA_LEVEL (1 to 4) is for #if.
#
# Kernels neither throw nor use type information, and leave errno and the floating-point flags
# alone, so that the compiler may turn a sqrt or a select into one vector instruction.
function(weft_add_kernels out_objects)
  set(isas plain)
  if(CMAKE_SYSTEM_PROCESSOR MATCHES "^(x86_64|AMD64|amd64)$")
    list(APPEND isas v2 v3 v4)
  endif()
  set(objects)
  set(level 0)
  foreach(isa IN LISTS isas)
    math(EXPR level "${level} + 1")
    set(target weft_kernels_${isa})
    add_library(${target} OBJECT ${ARGN})
    target_include_directories(${target} PRIVATE ${PROJECT_SOURCE_DIR}/src)
    target_compile_definitions(${target} PRIVATE WEFT_ISA=${isa} WEFT_ISA_LEVEL=${level})
    target_compile_options(${target} PRIVATE -fno-exceptions -fno-rtti -fno-math-errno
                                             -fno-trapping-math -fno-stack-protector)
    if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
      # GCC's own AVX-512 headers set it off (GCC bug 105593).
      target_compile_options(${target} PRIVATE -Wno-maybe-uninitialized)
      if(WEFT_SANITIZE MATCHES "address")
        # Its fake stack frames are not aligned for 64-byte vectors (GCC bug 110027).
        target_compile_options(${target} PRIVATE --param=asan-use-after-return=0)
      endif()
    endif()
    if(NOT isa STREQUAL "plain")
      target_compile_options(${target} PRIVATE -march=x86-64-${isa})
    endif()
    list(APPEND objects $<TARGET_OBJECTS:${target}>)
  endforeach()
  # The layering test runs nm on these.
  file(GENERATE OUTPUT ${PROJECT_BINARY_DIR}/kernel_objects.txt CONTENT "$<JOIN:${objects},\n>\n")
  set(${out_objects} ${objects} PARENT_SCOPE)
endfunction()
