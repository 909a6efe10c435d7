// Rows that no one changes any more, answered as views that have caught up.
// Promise: what is read is what was given. Private to projections/. Threads: any.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "events/result.hpp"
#include "projections/row_bytes.hpp"
#include "projections/view_set.hpp"
#include "store/view_store.hpp"

namespace bestow::projections {

class frozen_views final : public view_set {
 public:
  struct entry {
    std::string name;
    std::uint32_t version{0};
    std::unique_ptr<store::view_store> rows;
  };
  frozen_views(std::vector<entry> entries, position at) : entries_{std::move(entries)}, at_{at} {}

  [[nodiscard]] auto names() const -> std::vector<std::string> override {
    std::vector<std::string> out;
    for (const auto& e : entries_) out.push_back(e.name);
    return out;
  }
  [[nodiscard]] auto step(std::string_view) -> result<step_report> override {
    return step_report{at_, true};
  }
  [[nodiscard]] auto start_rebuild(std::string_view) -> result<bool> override { return false; }
  [[nodiscard]] auto status() const -> std::vector<view_status> override {
    std::vector<view_status> out;
    for (const auto& e : entries_)
      out.push_back({e.name, e.version, view_life::following, at_, 0, ""});
    return out;
  }
  [[nodiscard]] auto wait_for(std::string_view, position at, std::chrono::milliseconds) const
      -> bool override {
    return at <= at_;
  }
  [[nodiscard]] auto read(std::string_view name) const
      -> result<std::unique_ptr<store::view_reader>> override {
    for (const auto& e : entries_)
      if (e.name == name) return e.rows->begin_read();
    return fail(fault_code::internal, "past_views",
                fmt::format("the view {} was not asked for", name));
  }
  [[nodiscard]] auto dump_hash(std::string_view name) const -> result<std::string> override {
    auto rows = read(name);
    if (!rows) return tl::unexpected{rows.error()};
    return hash_rows(**rows);
  }

 private:
  std::vector<entry> entries_;
  position at_;
};

}  // namespace bestow::projections
