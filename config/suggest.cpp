#include "config/suggest.hpp"

#include <algorithm>

namespace bestow::config {

auto edit_distance(std::string_view a, std::string_view b) -> std::size_t {
  const std::size_t columns = b.size() + 1;
  std::vector<std::size_t> before(columns);
  std::vector<std::size_t> above(columns);
  std::vector<std::size_t> row(columns);
  for (std::size_t j = 0; j < columns; ++j) above[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    row[0] = i;
    for (std::size_t j = 1; j < columns; ++j) {
      const std::size_t replace = above[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
      row[j] = std::min({above[j] + 1, row[j - 1] + 1, replace});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
        row[j] = std::min(row[j], before[j - 2] + 1);
    }
    std::swap(before, above);
    std::swap(above, row);
  }
  return above[columns - 1];
}

auto nearest(std::string_view word, std::span<const std::string> known, std::size_t count)
    -> std::vector<std::string> {
  constexpr std::size_t word_chars_max = 128;  // The cost is quadratic and the word is anyone's.
  if (word.empty() || word.size() > word_chars_max) return {};
  std::vector<std::pair<std::size_t, std::string>> found;
  for (const auto& candidate : known) {
    const std::size_t far = std::max<std::size_t>(2, word.size() / 3);
    const auto distance = edit_distance(word, candidate);
    if (distance <= far && distance < candidate.size()) found.emplace_back(distance, candidate);
  }
  std::stable_sort(found.begin(), found.end(),
                   [](const auto& l, const auto& r) { return l.first < r.first; });
  std::vector<std::string> names;
  for (std::size_t i = 0; i < found.size() && i < count; ++i) names.push_back(found[i].second);
  return names;
}

auto did_you_mean(std::string_view word, std::span<const std::string> known) -> std::string {
  const auto names = nearest(word, known, 1);
  return names.empty() ? "" : " Did you mean '" + names.front() + "'?";
}

}  // namespace bestow::config
