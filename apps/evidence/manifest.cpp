#include "apps/evidence/manifest.hpp"

#include <algorithm>
#include <optional>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "apps/evidence/json_fields.hpp"

namespace bestow::evidence {
namespace {

using json = nlohmann::ordered_json;
constexpr std::string_view format_word = "bestow-backup";
constexpr std::uint64_t format_version = 1;

auto refuse(std::string why) -> tl::unexpected<fault> {
  return fail(fault_code::log_corrupt, "manifest", "manifest.json: " + std::move(why));
}

auto digest_in(const json& of, const char* name) -> std::optional<sha256_digest> {
  const auto text = text_in(of, name);
  sha256_digest out{};
  if (!text || !from_hex(*text, out)) return std::nullopt;
  return out;
}

/// A copy is written to this path: it must lie where backups put files.
auto good_path(std::string_view path) -> bool {
  const auto slash = path.find('/');
  if (slash == std::string_view::npos || path.size() > 4'096) return false;
  const auto top = path.substr(0, slash);
  if (top != "log" && top != "rejects") return false;
  for (std::size_t from = 0; from <= path.size();) {
    const auto end = std::min(path.find('/', from), path.size());
    const auto part = path.substr(from, end - from);
    if (part.empty() || part == "." || part == ".." || part.find('\0') != std::string_view::npos)
      return false;
    from = end + 1;
  }
  return true;
}

auto read_file_entry(const json& entry) -> std::optional<manifest_file> {
  if (!entry.is_object()) return std::nullopt;
  const auto path = text_in(entry, "path");
  const auto bytes = number_in(entry, "bytes");
  const auto digest = digest_in(entry, "sha256");
  if (!path || !bytes || !digest || !good_path(*path)) return std::nullopt;
  return manifest_file{*path, *bytes, *digest};
}

auto read_files(const json& document, manifest& out) -> result<void> {
  const auto files = document.find("files");
  if (files == document.end() || !files->is_array()) return refuse("it lists no files");
  for (const auto& entry : *files) {
    auto file = read_file_entry(entry);
    if (!file)
      return refuse(fmt::format("entry {} of its files is damaged", out.files.size() + 1));
    if (!out.files.empty() && file->path <= out.files.back().path)
      return refuse(fmt::format("{} is out of order", file->path));
    out.files.push_back(std::move(*file));
  }
  return {};
}

}  // namespace

auto manifest::bytes() const -> std::uint64_t {
  std::uint64_t sum = 0;
  for (const auto& file : files) sum += file.bytes;
  return sum;
}

auto to_json(const manifest& m) -> std::string {
  json files = json::array();
  for (const auto& f : m.files)
    files.push_back({{"path", f.path}, {"bytes", f.bytes}, {"sha256", to_hex(f.sha256)}});
  const json document{{"format", format_word},
                      {"format_version", format_version},
                      {"bestow_version", m.version},
                      {"made_at", to_rfc3339(m.made_at)},
                      {"made_at_ms", m.made_at.value},
                      {"log_id", m.log_id},
                      {"epoch", m.epoch},
                      {"incarnation", m.incarnation},
                      {"head_position", m.head.value},
                      {"head_hash", to_hex(m.head_hash)},
                      {"frames", m.frames},
                      {"files", std::move(files)}};
  return document.dump(1, ' ', false, json::error_handler_t::replace) + "\n";
}

auto parse_manifest(std::string_view text) -> result<manifest> {
  const auto document = json::parse(text, nullptr, false);
  if (!document.is_object() || text_in(document, "format") != format_word)
    return refuse("it is not a backup's manifest");
  const auto version = number_in(document, "format_version");
  if (version && *version > format_version)
    return fail(fault_code::log_version_unknown, "manifest",
                fmt::format("manifest.json: format {}, this program knows {}", *version,
                            format_version));
  const auto program = text_in(document, "bestow_version");
  const auto log_id = text_in(document, "log_id");
  const auto epoch = number_in(document, "epoch");
  const auto incarnation = number_in(document, "incarnation");
  const auto head = number_in(document, "head_position");
  const auto hash = digest_in(document, "head_hash");
  const auto frames = number_in(document, "frames");
  const auto made = document.find("made_at_ms");
  if (!version || !program || !log_id || log_id->size() != 32 || !epoch || !incarnation || !head ||
      !hash || !frames || made == document.end() || !made->is_number_integer())
    return refuse("a field is missing or damaged");
  manifest out;
  out.version = *program;
  out.made_at = timestamp{made->get<std::int64_t>()};
  out.log_id = *log_id;
  out.epoch = static_cast<std::uint32_t>(*epoch);
  out.incarnation = static_cast<std::uint32_t>(*incarnation);
  out.head = position{*head};
  out.head_hash = *hash;
  out.frames = *frames;
  if (auto files = read_files(document, out); !files) return tl::unexpected<fault>{files.error()};
  if (to_json(out) != text) return refuse("it is not as it was written");
  return out;
}

}  // namespace bestow::evidence
