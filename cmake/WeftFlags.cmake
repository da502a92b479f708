# Compiler flags of every target of this build; nothing here reaches a consumer.

# A fused multiply-add comes from an explicit intrinsic or not at all: the plain C++ path must give
# the same bits on every compiler and processor, because it is what the other paths are held against.
add_compile_options(-ffp-contract=off)

add_compile_options(-Wall -Wextra -Wshadow -Wnon-virtual-dtor -Woverloaded-virtual -Wno-psabi
                    -Wno-missing-field-initializers)  # designated initializers leave the rest out
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
  add_compile_options(-Wno-restrict)  # false alarms on std::string + (GCC bug 105651)
endif()
if(WEFT_WERROR)
  add_compile_options(-Werror)
endif()

if(WEFT_SANITIZE)
  add_compile_options(-fsanitize=${WEFT_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer -g)
  add_link_options(-fsanitize=${WEFT_SANITIZE})
endif()
