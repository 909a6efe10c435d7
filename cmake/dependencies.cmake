# Third parties, all from Debian (bookworm main; the same names work on trixie). Each is linked
# PRIVATE by the one folder that owns it, except tl-expected, which is part of every signature.
find_package(Threads REQUIRED)
find_package(PkgConfig REQUIRED)
find_package(CAF 0.17 REQUIRED)
foreach(pair LMDB:lmdb NATS:libnats HTTPLIB:cpp-httplib XXHASH:libxxhash ZSTD:libzstd
        SMARTCOLS:smartcols JEMALLOC:jemalloc)
  string(REPLACE ":" ";" pair ${pair})
  list(GET pair 0 variable)
  list(GET pair 1 module)
  pkg_check_modules(${variable} REQUIRED IMPORTED_TARGET ${module})
endforeach()
find_package(msgpack CONFIG QUIET)  # bookworm: target msgpackc-cxx
if(TARGET msgpackc-cxx)
  add_library(bestow_msgpack ALIAS msgpackc-cxx)
else()
  find_package(msgpack-cxx CONFIG REQUIRED)  # trixie: target msgpack-cxx
  add_library(bestow_msgpack ALIAS msgpack-cxx)
endif()
find_package(OpenSSL REQUIRED)
foreach(package simdjson nlohmann_json tomlplusplus CLI11 spdlog fmt tl-expected prometheus-cpp
        SQLiteCpp)
  find_package(${package} CONFIG REQUIRED)
endforeach()
find_package(SQLite3 REQUIRED)
find_path(CSV_INCLUDE_DIR csv.h REQUIRED)
find_library(CSV_LIBRARY csv REQUIRED)
if(BESTOW_DEVELOPER_MODE)
  find_package(Catch2 REQUIRED)
  find_package(rapidcheck CONFIG REQUIRED)
endif()
