# bestow_module(<folder> [SOURCES ...] [DEPENDS <folders> ...] [PRIVATE_LIBS ...])
# makes the static library bestow_<folder> (alias bestow::<folder>) out of one folder. Headers are
# found from the repository root: #include "events/types.hpp".
function(bestow_module folder)
  cmake_parse_arguments(ARG "" "" "SOURCES;DEPENDS;PUBLIC_LIBS;PRIVATE_LIBS" ${ARGN})
  if(NOT ARG_SOURCES)
    file(WRITE "${CMAKE_CURRENT_BINARY_DIR}/empty.cpp" "")
    set(ARG_SOURCES "${CMAKE_CURRENT_BINARY_DIR}/empty.cpp")
  endif()
  add_library(bestow_${folder} STATIC ${ARG_SOURCES})
  add_library(bestow::${folder} ALIAS bestow_${folder})
  file(GLOB headers CONFIGURE_DEPENDS "${CMAKE_CURRENT_SOURCE_DIR}/*.hpp")
  if(headers)
    target_sources(bestow_${folder} PUBLIC FILE_SET HEADERS
                   BASE_DIRS "${PROJECT_SOURCE_DIR}" FILES ${headers})
  endif()
  set_target_properties(bestow_${folder} PROPERTIES
    VERIFY_INTERFACE_HEADER_SETS ${BESTOW_DEVELOPER_MODE})
  list(TRANSFORM ARG_DEPENDS PREPEND "bestow::")
  target_link_libraries(bestow_${folder}
    PUBLIC ${ARG_DEPENDS} tl::expected ${ARG_PUBLIC_LIBS}
    PRIVATE bestow_options ${ARG_PRIVATE_LIBS})
endfunction()

# bestow_test(<name> LABELS <label> SOURCES ... DEPENDS <folders> ... [LIBS ...] [TIMEOUT seconds])
# makes one Catch2 program and registers it with ctest as one test (its cases are counted inside).
# Target bestow_tests builds all of them. In a sanitizer build the test is called address.<name> or
# thread.<name>, and labels outside the sanitizer's scope do not exist: simulator, end-to-end and
# style tests run unsanitized, and ThreadSanitizer leaves out what runs inside CAF, because Debian's
# CAF is not instrumented and floods it with false races.
if(BESTOW_DEVELOPER_MODE)
  add_custom_target(bestow_tests)
endif()
function(bestow_test name)
  cmake_parse_arguments(ARG "" "LABELS;TIMEOUT" "SOURCES;DEPENDS;LIBS" ${ARGN})
  set(test_name "${name}")
  if(BESTOW_SANITIZE)
    set(test_name "${BESTOW_SANITIZE}.${name}")
    set(outside_scope sim e2e style)
    if(BESTOW_SANITIZE STREQUAL "thread")
      list(APPEND outside_scope actor)
    endif()
    # These fork, kill and damage whole processes; their threads are those of the contract suites.
    set(process_tests log_faults_test log_damage_test wallet_service_test)
    if(ARG_LABELS IN_LIST outside_scope OR
       (BESTOW_SANITIZE STREQUAL "thread" AND name IN_LIST process_tests))
      return()
    endif()
  endif()
  add_executable(${name} ${ARG_SOURCES})
  add_dependencies(bestow_tests ${name})
  list(TRANSFORM ARG_DEPENDS PREPEND "bestow::")
  target_link_libraries(${name} PRIVATE bestow_options ${ARG_DEPENDS} ${ARG_LIBS}
                        Catch2::Catch2WithMain)
  target_include_directories(${name} PRIVATE "${PROJECT_SOURCE_DIR}")
  target_compile_definitions(${name} PRIVATE BESTOW_SOURCE_DIR="${PROJECT_SOURCE_DIR}"
                             BESTOW_BINARY_DIR="${PROJECT_BINARY_DIR}")
  if(NOT ARG_TIMEOUT)
    set(ARG_TIMEOUT 120)
    if(BESTOW_SANITIZE)
      set(ARG_TIMEOUT 300)
    endif()
  endif()
  add_test(NAME ${test_name} COMMAND ${name})
  set_tests_properties(${test_name} PROPERTIES LABELS "${ARG_LABELS}" TIMEOUT ${ARG_TIMEOUT})
endfunction()
