#include "apps/import/input_records.hpp"

#include <algorithm>
#include <cstring>

#include "events/limits.hpp"
#include "events/assert.hpp"

namespace bestow::importing {
namespace {

/// Bytes kept of a record that is too long.
constexpr std::size_t sample_bytes_max = 1'024;

/// The front of `text`, not cut inside a UTF-8 character.
auto sample_of(std::string_view text) -> std::string_view {
  auto end = std::min(text.size(), sample_bytes_max);
  if (end < text.size())
    while (end > 0 && (static_cast<std::uint8_t>(text[end]) & 0xC0U) == 0x80U) --end;
  return text.substr(0, end);
}

}  // namespace

void input_records::push(std::string_view bytes) {
  compact();
  buffer_.append(bytes);
}

void input_records::skip(std::size_t bytes) {
  begin_ += bytes;
  scanned_ = std::max(scanned_, begin_);
}

auto input_records::next() -> std::optional<input_record> {
  const auto end = format_ == import_format::csv && !overlong_ ? find_csv_end() : find_line_end();
  if (end) return take(*end, *end + 1);
  if (ended_) {
    if (begin_ == buffer_.size() && !overlong_) return std::nullopt;
    return take(buffer_.size(), buffer_.size());
  }
  if (buffer_.size() - begin_ > record_bytes_max_) drop_overlong();
  return std::nullopt;
}

auto input_records::find_line_end() -> std::optional<std::size_t> {
  const auto end = buffer_.find('\n', scanned_);
  scanned_ = end == std::string::npos ? buffer_.size() : end;
  if (end == std::string::npos) return std::nullopt;
  return end;
}

auto input_records::find_csv_end() -> std::optional<std::size_t> {
  const auto end = scan_fields();
  // Whatever the pieces were: a record that breaks a rule anywhere ends where its first line does,
  // and what comes behind is read anew.
  if (first_line_end_ && is_broken()) return first_line_end_;
  return end;
}

auto input_records::scan_fields() -> std::optional<std::size_t> {
  while (scanned_ < buffer_.size()) {
    if (first_line_end_ && is_broken()) return std::nullopt;
    switch (state_) {
      case scan_state::quoted:
        scan_quoted();
        break;
      case scan_state::after_quote:
      case scan_state::after_quote_cr:
        if (buffer_[scanned_] == '\n') return scanned_;
        scan_after_quote();
        break;
      case scan_state::spoiled:
        return find_line_end();
      case scan_state::field_start:
      case scan_state::plain:
        if (const auto end = scan_plain()) return end;
        break;
    }
  }
  return std::nullopt;
}

auto input_records::is_broken() const -> bool {
  if (state_ == scan_state::spoiled || inner_lines_ >= record_lines_max_) return true;
  if (ended_ && scanned_ == buffer_.size() && state_ == scan_state::quoted) return true;
  return scanned_ - begin_ > record_bytes_max_;
}

void input_records::scan_quoted() {
  const auto begin = scanned_;
  const auto quote = buffer_.find('"', begin);
  scanned_ = quote == std::string::npos ? buffer_.size() : quote + 1;
  if (quote != std::string::npos) state_ = scan_state::after_quote;
  const std::string_view inside{buffer_.data() + begin, scanned_ - begin};
  const auto lines = std::count(inside.begin(), inside.end(), '\n');
  if (lines > 0 && !first_line_end_) first_line_end_ = begin + inside.find('\n');
  inner_lines_ += static_cast<std::uint64_t>(lines);
}

void input_records::scan_after_quote() {
  const char c = buffer_[scanned_++];
  const bool behind_cr = state_ == scan_state::after_quote_cr;
  state_ = behind_cr   ? scan_state::spoiled
           : c == '"'  ? scan_state::quoted
           : c == ','  ? scan_state::field_start
           : c == '\r' ? scan_state::after_quote_cr
                       : scan_state::spoiled;
}

auto input_records::scan_plain() -> std::optional<std::size_t> {
  const auto size = buffer_.size();
  next_quote_ = std::max(next_quote_, scanned_);
  if (next_quote_ < size && buffer_[next_quote_] != '"')
    next_quote_ = std::min(buffer_.find('"', next_quote_), size);
  const auto* const found =
      static_cast<const char*>(std::memchr(buffer_.data() + scanned_, '\n', size - scanned_));
  const auto line_end = found ? static_cast<std::size_t>(found - buffer_.data()) : size;
  const auto stop = std::min(line_end, next_quote_);
  if (stop > scanned_)
    state_ = buffer_[stop - 1] == ',' ? scan_state::field_start : scan_state::plain;
  scanned_ = stop;
  if (stop == line_end) return found ? std::optional{line_end} : std::nullopt;
  // A quote opens a field only at its beginning.
  state_ = state_ == scan_state::field_start ? scan_state::quoted : scan_state::spoiled;
  ++scanned_;
  return std::nullopt;
}

auto input_records::take(std::size_t text_end, std::size_t record_end) -> input_record {
  const std::string_view whole{buffer_.data() + begin_, text_end - begin_};
  const bool one_line = first_line_end_ == text_end;
  input_record record;
  record.line = line_;
  record.lines = one_line ? 1 : 1 + inner_lines_;
  record.cut = one_line;
  record.byte_end = base_ + record_end;
  record.too_long = overlong_ || whole.size() > record_bytes_max_;
  if (!record.too_long) {
    record.text = whole.ends_with('\r') ? whole.substr(0, whole.size() - 1) : whole;
  } else {
    if (!overlong_) sample_ = sample_of(whole);
    record.text = sample_;
  }
  last_ = {begin_, line_, one_line ? std::nullopt : first_line_end_};
  line_ += record.lines - (record_end > text_end ? 0 : 1);
  restart_at(record_end);
  return record;
}

auto input_records::first_line_again() -> input_record {
  BESTOW_ASSERT(last_.first_line_end);
  const auto end = *last_.first_line_end;
  restart_at(last_.begin);
  line_ = last_.line;
  first_line_end_ = end;
  return take(end, end + 1);
}

/// The next record begins there, and nothing of it was looked at.
void input_records::restart_at(std::size_t begin) {
  if (begin < scanned_) next_quote_ = begin;
  begin_ = scanned_ = begin;
  state_ = scan_state::field_start;
  first_line_end_.reset();
  inner_lines_ = 0;
  overlong_ = false;
}

/// Only a first line gets so long: a later one has broken its record before.
void input_records::drop_overlong() {
  if (!overlong_) sample_ = sample_of({buffer_.data() + begin_, buffer_.size() - begin_});
  overlong_ = true;
  begin_ = scanned_ = buffer_.size();
}

auto input_records::digest_so_far() -> sha256_digest {
  hash_to(begin_);
  return hash_.digest();
}

auto input_records::digest() -> sha256_digest {
  hash_to(buffer_.size());
  return hash_.digest();
}

void input_records::hash_to(std::size_t end) {
  if (end <= hashed_) return;
  hash_.update({buffer_.data() + hashed_, end - hashed_});
  hashed_ = end;
}

void input_records::compact() {
  if (begin_ < limits::import_compact_bytes) return;
  hash_to(begin_);
  base_ += begin_;
  buffer_.erase(0, begin_);
  scanned_ -= begin_;
  hashed_ -= begin_;
  next_quote_ = next_quote_ > begin_ ? next_quote_ - begin_ : 0;
  if (first_line_end_) *first_line_end_ -= begin_;
  begin_ = 0;
}

}  // namespace bestow::importing
