#include "store/target_list_builder.hpp"

#include <cstdio>
#include <cstring>
#include <optional>
#include <utility>
#include <vector>

#include "events/assert.hpp"
#include "store/target_list_file.hpp"
#include "store/target_list_sort.hpp"
#include "store/target_list_survey.hpp"

namespace bestow::store {
namespace {

constexpr auto aligned(std::uint64_t bytes) -> std::uint64_t {
  return (bytes + 7) & ~7ULL;
}

auto dictionary_bytes(const text_dictionary& d) -> std::uint64_t {
  std::uint64_t bytes = 8 * (d.texts().size() + 1);
  for (const auto& text : d.texts()) bytes += text.size();
  return bytes;
}

/// Where everything will stand.
struct list_layout {
  list_file_header header;
  std::vector<partition_entry> partitions;
};

auto lay_out(list_survey& survey, const list_sealed& totals, const promotion_created& created)
    -> list_layout {
  list_layout out;
  auto& h = out.header;
  h.promotion = created.promotion.value;
  created.currency.copy(h.currency.data(), h.currency.size());
  h.partition_count = survey.partitions().size();
  h.total_count = totals.total_count;
  h.total_amount = totals.total_amount.value;
  h.split_customers = totals.split_customers;
  h.list_sha256 = totals.list_sha256;
  auto end = sizeof h + h.partition_count * sizeof(partition_entry);
  const auto place = [&end](std::uint64_t bytes) {
    return std::exchange(end, aligned(end + bytes));
  };
  for (std::size_t t = 0; t < list_text_count; ++t)
    if (const auto& d = survey.dictionaries()[t]; !d.overflowed())
      h.dictionaries[t] = place(dictionary_bytes(d));
  for (const auto& p : survey.partitions()) {
    partition_entry entry;
    entry.count = p.columns[0].count;
    entry.amount = static_cast<std::int64_t>(p.amount);
    for (std::size_t c = 0; c < list_column_count; ++c) {
      const bool in_heap = c >= list_text_first && h.dictionaries[c - list_text_first] == 0;
      auto column = p.columns[c];
      if (in_heap) {  // The words are the ends of the texts.
        column.computed = false;
        column.min = 0;
        column.max = p.heap_bytes[c - list_text_first];
        entry.heaps[c - list_text_first] = place(column.max);
      }
      entry.columns[c] = column.entry();
      entry.columns[c].offset = place(entry.columns[c].width * entry.count);
    }
    out.partitions.push_back(entry);
  }
  h.file_bytes = end;
  return out;
}

/// Second pass: puts each row's values where the layout says.
class column_writer {
 public:
  column_writer(const list_layout& layout, std::array<text_dictionary, list_text_count>& texts,
                std::byte* to)
      : layout_{layout}, texts_{texts}, to_{to}, cursors_(layout.partitions.size()) {
    std::memcpy(to_, &layout.header, sizeof layout.header);
    std::memcpy(to_ + sizeof layout.header, layout.partitions.data(),
                layout.partitions.size() * sizeof(partition_entry));
    for (std::size_t t = 0; t < list_text_count; ++t)
      if (const auto offset = layout.header.dictionaries[t]; offset != 0)
        write_dictionary(texts[t], offset);
  }

  void add(const list_row& row) {
    const auto k = row.partition.value;
    auto& cursor = cursors_[k];
    const auto& p = layout_.partitions[k];
    fits_ = fits_ && cursor.count < p.count;
    if (!fits_) return;
    put(p, list_column::id, cursor.count, row.id.value);
    put(p, list_column::customer, cursor.count, row.customer.value);
    put(p, list_column::amount, cursor.count, static_cast<std::uint64_t>(row.amount.value));
    put(p, list_column::expiry, cursor.count, static_cast<std::uint64_t>(row.expiry.value));
    put(p, list_column::withdrawal, cursor.count, row.is_withdrawal ? 1 : 0);
    for (std::size_t t = 0; t < list_text_count; ++t) {
      const auto column = static_cast<list_column>(list_text_first + t);
      const auto text = text_of(row, t);
      if (layout_.header.dictionaries[t] != 0) {
        put(p, column, cursor.count, texts_[t].number_of(text));
        continue;
      }
      auto& used = cursor.heap_used[t];
      if (!text.empty()) std::memcpy(to_ + p.heaps[t] + used, text.data(), text.size());
      used += text.size();
      put(p, column, cursor.count, used);
    }
    ++cursor.count;
  }
  /// Every place was filled and none too many.
  [[nodiscard]] auto complete() const -> bool {
    for (std::size_t k = 0; k < cursors_.size(); ++k)
      if (cursors_[k].count != layout_.partitions[k].count) return false;
    return fits_;
  }

 private:
  struct cursor {
    std::uint64_t count{0};
    std::array<std::uint64_t, list_text_count> heap_used{};
  };

  void put(const partition_entry& p, list_column c, std::uint64_t i, std::uint64_t value) {
    const auto& column = p.columns[static_cast<std::size_t>(c)];
    const auto word = value - column.base;
    // Little-endian: the low bytes come first.
    std::memcpy(to_ + column.offset + i * column.width, &word, column.width);
  }
  void write_dictionary(const text_dictionary& d, std::uint64_t offset) {
    const std::uint64_t count = d.texts().size();
    auto* words = to_ + offset;
    auto* heap = words + 8 * (count + 1);
    std::memcpy(words, &count, 8);
    std::uint64_t end = 0;
    for (const auto& text : d.texts()) {
      if (!text.empty()) std::memcpy(heap + end, text.data(), text.size());
      end += text.size();
      words += 8;
      std::memcpy(words, &end, 8);
    }
  }

  const list_layout& layout_;
  std::array<text_dictionary, list_text_count>& texts_;
  std::byte* to_;
  std::vector<cursor> cursors_;
  bool fits_{true};
};

/// Writes and names the file. Heap texts are checked by count alone: the facts of closed batches
/// cannot change between two passes, a count that did is reported all the same.
auto write_list(const list_row_source& source, list_survey& survey, const list_sealed& totals,
                const promotion_created& created, const std::string& path)
    -> result<std::shared_ptr<const target_list>> {
  const auto layout = lay_out(survey, totals, created);
  const auto beside = path.empty() ? std::string{} : path + ".tmp";
  auto file = mapped_file::create(beside, layout.header.file_bytes);
  if (!file) return tl::unexpected{std::move(file).error()};
  column_writer writer{layout, survey.dictionaries(), file->data()};
  auto shown = source([&](const list_row& row) { writer.add(row); });
  if (shown && !writer.complete())
    shown = fail(fault_code::log_corrupt, "write list", "closed batches changed between two reads");
  if (!shown) {
    if (!beside.empty()) std::remove(beside.c_str());
    return tl::unexpected{std::move(shown).error()};
  }
  seal_list_bytes(file->bytes());
  if (path.empty()) return open_list(std::move(*file), created.promotion, true);
  if (std::rename(beside.c_str(), path.c_str()) != 0) {
    std::remove(beside.c_str());
    return fail(fault_code::file_io_failed, "rename", path);
  }
  auto mapped = mapped_file::open(path, mapped_file::access::read_only);
  if (!mapped) return tl::unexpected{std::move(mapped).error()};
  return open_list(std::move(*mapped), created.promotion, true);
}

}  // namespace

auto build_list(const event_log& log, const list_scope& scope, const std::string& path)
    -> result<built_list> {
  const auto scratch = path.empty() ? std::string{} : path + ".sort";
  list_row_source source = [&](const list_row_visitor& visit) {
    return visit_logged_rows(log, scope, visit);
  };
  std::optional<list_survey> survey{std::in_place, scope.created};
  const auto look = [&](const list_row& row) { survey->add(row); };
  if (auto shown = source(look); !shown) return tl::unexpected{std::move(shown).error()};
  std::optional<sorted_rows> sorted;
  if (!survey->ascending()) {
    auto made = sorted_rows::of(source, survey->count(), survey->text_bytes(), scratch);
    if (!made) return tl::unexpected{std::move(made).error()};
    sorted = std::move(*made);
    source = [&](const list_row_visitor& visit) -> result<void> {
      sorted->visit(visit);
      return {};
    };
    survey.emplace(scope.created);
    sorted->visit(look);
    BESTOW_ASSERT(survey->ascending());
  }
  built_list built;
  built.totals = survey->totals();
  if (built.totals.total_overflows) return built;
  if (scope.created.allow_multiple_per_customer) {
    auto split = count_split_customers(source, survey->count(), scratch);
    if (!split) return tl::unexpected{std::move(split).error()};
    built.totals.totals.split_customers = *split;
  }
  auto list = write_list(source, *survey, built.totals.totals, scope.created, path);
  if (!list) return tl::unexpected{std::move(list).error()};
  built.list = std::move(*list);
  return built;
}

}  // namespace bestow::store
