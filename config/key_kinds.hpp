// How a key of the configuration is read, checked and shown, by the kind of its value. Private to
// config/: the keys themselves stand in keys.cpp. Pure.
#pragma once

#include <algorithm>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include <fmt/format.h>

#include "config/keys.hpp"
#include "config/values.hpp"

namespace bestow::config {

using text_ref = std::function<std::string&(settings&)>;

struct key_name {
  std::string_view section;
  std::string_view name;
};

template <class Ref>
auto read(const Ref& ref, const settings& s) {
  auto copy = s;
  return ref(copy);
}

inline auto finish(key_binding b) -> key_binding {
  b.row.fallback = b.show(settings{});
  return b;
}

/// Text, checked by `wrong` ("" = good).
inline auto text_key(key_name key, std::string allowed, std::string meaning, text_ref ref,
              std::function<std::string(std::string_view)> wrong, bool secret = false)
    -> key_binding {
  key_binding b;
  b.row = {std::string{key.section}, std::string{key.name}, "text", "",
           std::move(allowed),       std::move(meaning),    secret};
  b.kind = key_kind::text;
  b.set = [ref, wrong](settings& s, std::string_view text) {
    auto problem = wrong(text);
    if (problem.empty()) ref(s) = std::string{text};
    return problem;
  };
  b.show = [ref](const settings& s) { return "\"" + read(ref, s) + "\""; };
  return finish(std::move(b));
}

struct bounds {
  std::uint64_t low;
  std::uint64_t high;
};

template <class Int>
auto number_key(key_name key, key_kind kind, bounds range, std::string meaning,
                std::function<Int&(settings&)> ref) -> key_binding {
  const bool size = kind == key_kind::size;
  const auto show = [size](std::uint64_t v) { return size ? show_size(v) : fmt::to_string(v); };
  const auto allowed = fmt::format("{}..{}", show(range.low), show(range.high));
  key_binding b;
  b.row = {std::string{key.section},
           std::string{key.name},
           size ? "size" : "integer",
           "",
           allowed,
           std::move(meaning),
           false};
  b.kind = kind;
  b.set = [=](settings& s, std::string_view text) -> std::string {
    const auto value = size ? parse_size(text) : parse_unsigned(text);
    if (!value || *value < range.low || *value > range.high) return "allowed is " + allowed;
    ref(s) = static_cast<Int>(*value);
    return "";
  };
  b.show = [ref, size](const settings& s) {
    const auto value = static_cast<std::uint64_t>(read(ref, s));
    return size ? "\"" + show_size(value) + "\"" : fmt::to_string(value);
  };
  return finish(std::move(b));
}

inline auto duration_key(key_name key, std::chrono::milliseconds low, std::chrono::milliseconds high,
                  std::string meaning, std::function<std::chrono::milliseconds&(settings&)> ref)
    -> key_binding {
  const auto allowed = show_duration(low) + ".." + show_duration(high);
  key_binding b;
  b.row = {std::string{key.section},
           std::string{key.name},
           "duration",
           "",
           allowed,
           std::move(meaning),
           false};
  b.kind = key_kind::duration;
  b.set = [=](settings& s, std::string_view text) -> std::string {
    const auto value = parse_duration(text);
    if (!value || *value < low || *value > high) return "allowed is " + allowed;
    ref(s) = *value;
    return "";
  };
  b.show = [ref](const settings& s) { return "\"" + show_duration(read(ref, s)) + "\""; };
  return finish(std::move(b));
}

inline auto boolean_key(key_name key, std::string meaning, std::function<bool&(settings&)> ref)
    -> key_binding {
  key_binding b;
  b.row = {std::string{key.section},
           std::string{key.name},
           "boolean",
           "",
           "true, false",
           std::move(meaning),
           false};
  b.kind = key_kind::boolean;
  b.set = [ref](settings& s, std::string_view text) -> std::string {
    const auto value = parse_boolean(text);
    if (!value) return "allowed are true, false";
    ref(s) = *value;
    return "";
  };
  b.show = [ref](const settings& s) { return std::string{read(ref, s) ? "true" : "false"}; };
  return finish(std::move(b));
}

/// One of a few words; `get` and `put` translate to the setting's own type.
inline auto choice_key(key_name key, std::vector<std::string> words, std::string meaning,
                std::function<void(settings&, std::size_t)> put,
                std::function<std::size_t(const settings&)> get) -> key_binding {
  const auto allowed = fmt::format("{}", fmt::join(words, ", "));
  key_binding b;
  b.row = {std::string{key.section},
           std::string{key.name},
           "choice",
           "",
           allowed,
           std::move(meaning),
           false};
  b.kind = key_kind::choice;
  b.set = [=](settings& s, std::string_view text) -> std::string {
    const auto it = std::find(words.begin(), words.end(), text);
    if (it == words.end()) return "allowed are " + allowed;
    put(s, static_cast<std::size_t>(it - words.begin()));
    return "";
  };
  b.show = [=](const settings& s) { return "\"" + words[get(s)] + "\""; };
  return finish(std::move(b));
}

}  // namespace bestow::config
