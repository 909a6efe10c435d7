# Language, warnings, hardening and sanitizers for every target of the project.
set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
if(NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE Release)
endif()
set(BESTOW_SANITIZE "" CACHE STRING "address (with undefined), thread or empty")

find_program(BESTOW_CCACHE ccache)
if(BESTOW_CCACHE)
  set(CMAKE_C_COMPILER_LAUNCHER "${BESTOW_CCACHE}")
  set(CMAKE_CXX_COMPILER_LAUNCHER "${BESTOW_CCACHE}")
endif()

add_library(bestow_options INTERFACE)
target_compile_options(bestow_options INTERFACE
  -Wall -Wextra -Wpedantic
  # False positives of g++ 12 inside inlined CAF, libstdc++ and Catch2 code at -O2/-O3.
  $<$<CXX_COMPILER_ID:GNU>:-Wno-maybe-uninitialized;-Wno-stringop-overflow;-Wno-stringop-overread;-Wno-array-bounds;-Wno-restrict>
  $<$<BOOL:${BESTOW_DEVELOPER_MODE}>:-Werror>
  -fstack-protector-strong -fstack-clash-protection
  $<$<CONFIG:Release>:-U_FORTIFY_SOURCE;-D_FORTIFY_SOURCE=2>)
target_compile_definitions(bestow_options INTERFACE _GLIBCXX_ASSERTIONS)
target_link_options(bestow_options INTERFACE -Wl,-z,relro,-z,now,-z,noexecstack)
if(BESTOW_SANITIZE STREQUAL "address")
  # null: CAF 0.17.6 binds a null reference inside spawn (notes: UBSan against Debian's libcaf).
  target_compile_options(bestow_options INTERFACE
    -fsanitize=address,undefined -fno-sanitize=null,vptr -fno-sanitize-recover=all -fno-omit-frame-pointer)
  target_link_options(bestow_options INTERFACE -fsanitize=address,undefined)
elseif(BESTOW_SANITIZE STREQUAL "thread")
  target_compile_options(bestow_options INTERFACE -fsanitize=thread -fno-omit-frame-pointer)
  target_link_options(bestow_options INTERFACE -fsanitize=thread)
endif()
find_program(BESTOW_MOLD mold)
if(BESTOW_MOLD AND CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  target_link_options(bestow_options INTERFACE -fuse-ld=mold)
endif()
