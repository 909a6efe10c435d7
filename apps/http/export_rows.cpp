#include "apps/http/export_rows.hpp"

#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "apps/http/json_writer.hpp"
#include "apps/http/render.hpp"
#include "projections/created_of.hpp"
#include "projections/customer_grants.hpp"
#include "store/customer_run.hpp"

namespace bestow::http {
namespace {

using nlohmann::ordered_json;

/// Targets and customers of one step: their texts are read from the log together.
constexpr std::size_t step_rows = 32'768;

/// An object of the API as cells. Fields that the object lacks are null.
void write_object(export_writer& out, const std::vector<schema_field>& fields,
                  const ordered_json& object) {
  out.begin_row();
  for (const auto& field : fields) {
    const auto it = object.find(field.name);
    if (it == object.end() || it->is_null())
      out.null();
    else if (it->is_boolean())
      out.flag(it->get<bool>());
    else if (it->is_number_unsigned())
      out.count(it->get<std::uint64_t>());
    else if (field.type == shape::id || field.type == shape::money)
      out.digits(it->get_ref<const std::string&>());
    else
      out.text(it->get_ref<const std::string&>());
  }
  out.end_row();
}

/// Steps from promotion to promotion.
class export_walk : public view_export {
 public:
  explicit export_walk(export_source source) : source_{std::move(source)} {}
  auto step(export_writer& out) -> result<bool> override {
    if (!now_) {
      auto next = next_promotion();
      if (!next) return tl::unexpected{next.error()};
      if (!*next) return false;
      now_ = *next;
      if (auto done = begin(*now_); !done) return tl::unexpected{done.error()};
    }
    auto more = write(*now_, out);
    if (!more) return more;
    if (!*more) {
      after_ = *now_;
      now_.reset();
    }
    return true;
  }

 protected:
  [[nodiscard]] virtual auto begin(promotion_id) -> result<void> { return {}; }
  /// Writes some rows of the promotion. False: that was all of it.
  [[nodiscard]] virtual auto write(promotion_id promotion, export_writer& out) -> result<bool> = 0;
  [[nodiscard]] auto source() const -> const export_source& { return source_; }
  [[nodiscard]] auto ask() const -> const projections::queries& { return source_.of->answers(); }

 private:
  [[nodiscard]] auto next_promotion() const -> result<std::optional<promotion_id>> {
    const auto from = source_.promotion ? promotion_id{source_.promotion->value - 1} : after_;
    if (source_.promotion && after_ == *source_.promotion) return std::nullopt;
    auto next = projections::next_promotion(source_.of->views(), source_.view, from);
    if (next && *next && source_.promotion && **next != *source_.promotion) return std::nullopt;
    return next;
  }

  export_source source_;
  promotion_id after_{};
  std::optional<promotion_id> now_;
};

class summary_export final : public export_walk {
 public:
  using export_walk::export_walk;

 private:
  auto write(promotion_id promotion, export_writer& out) -> result<bool> override {
    const auto row = ask().promotion(promotion);
    if (!row) return tl::unexpected{row.error()};
    if (!row->value) return false;
    json_writer w;
    w.begin_object();
    write_promotion(w, *row->value, row->as_of);
    w.end_object();
    write_object(out, fields_, ordered_json::parse(w.str()));
    return false;
  }
  std::vector<schema_field> fields_{export_fields("promotion_summary")};
};

class partition_export final : public export_walk {
 public:
  using export_walk::export_walk;

 private:
  auto write(promotion_id promotion, export_writer& out) -> result<bool> override {
    const auto rows = ask().partitions(promotion);
    if (!rows) return tl::unexpected{rows.error()};
    for (const auto& row : rows->value) {
      json_writer w;
      write_partition(w, row);
      auto object = ordered_json::parse(w.str());
      object["promotion_id"] = fmt::to_string(promotion.value);
      write_object(out, fields_, object);
    }
    return false;
  }
  std::vector<schema_field> fields_{export_fields("partition_progress")};
};

class reconciliation_export final : public export_walk {
 public:
  using export_walk::export_walk;

 private:
  auto write(promotion_id promotion, export_writer& out) -> result<bool> override {
    const auto found = ask().reconciliation(promotion);
    if (!found) return tl::unexpected{found.error()};
    if (!found->value) return false;
    const auto& row = *found->value;
    out.begin_row();
    out.id(row.promotion.value);
    out.text(name_of(row.type));
    out.count(row.run.value);
    out.count(row.sealed_count);
    out.money(row.sealed_amount);
    out.count(row.released_count);
    out.count(row.released_retries);
    out.count(row.published_count);
    out.money(row.published_amount);
    out.count(row.publish_failed_count);
    out.money(row.publish_failed_amount);
    out.count(row.abandoned_count);
    out.money(row.abandoned_amount);
    out.count(row.provider_count);
    out.money(row.provider_amount);
    out.count(row.refused_count);
    out.count(row.double_grants);
    out.flag(row.completed);
    out.flag(row.list_matches_stream());
    out.flag(row.stream_matches_provider());
    out.end_row();
    return false;
  }
};

class target_export final : public export_walk {
 public:
  using export_walk::export_walk;

 private:
  auto begin(promotion_id promotion) -> result<void> override {
    after_ = {};
    const auto created = projections::created_of(*source().log, promotion);
    if (!created) return tl::unexpected{created.error()};
    if (!*created)
      return fail(fault_code::log_corrupt, "export",
                  fmt::format("promotion {} was never created", promotion.value));
    voucher_ = (*created)->created.type == promotion_type::voucher;
    currency_ = (*created)->created.currency;
    return {};
  }
  auto write(promotion_id promotion, export_writer& out) -> result<bool> override {
    projections::target_filter filter;
    filter.after = after_;
    filter.limit = step_rows;
    const auto rows = ask().targets(promotion, filter);
    if (!rows) return tl::unexpected{rows.error()};
    for (const auto& row : rows->value) write_row(promotion, row, out);
    if (rows->value.size() < step_rows) return false;
    after_ = rows->value.back().target.id;
    return true;
  }
  void write_row(promotion_id promotion, const projections::target_view_row& row,
                 export_writer& out) const {
    const auto& t = row.target;
    out.begin_row();
    out.id(promotion.value);
    out.text(name_of(voucher_ ? promotion_type::voucher : promotion_type::point));
    out.id(t.id.value);
    out.id(t.customer.value);
    for (const auto text : {t.voucher_number, t.merchant_code, t.merchant_brand_code})
      out.text_or_null(text);
    out.money(t.amount);
    out.text(currency_);
    if (voucher_)
      out.flag(t.is_withdrawal);
    else
      out.null();
    out.time(t.expiry);
    out.text(t.reason);
    out.count(t.partition.value);
    out.text(domain::publish_status_of(row.state, row.published));
    out.text(domain::name_of(row.state));
    out.text(domain::name_of(row.recall));
    out.count(row.attempt);
    out.time(row.published_at);
    out.time(row.updated_at);
    if (row.process)
      out.text(name_of(*row.process));
    else
      out.null();
    out.text_or_null(row.transaction_key);
    out.text_or_null(row.error_message);
    out.end_row();
  }

  target_id after_{};
  bool voucher_{false};
  std::string currency_;
};

class customer_export final : public export_walk {
 public:
  using export_walk::export_walk;

 private:
  auto begin(promotion_id promotion) -> result<void> override {
    from_ = 0;
    run_.reset();
    auto rows = source().of->views().read(projections::customer_grants::name);
    if (!rows) return tl::unexpected{rows.error()};
    result<std::shared_ptr<const store::customer_run>> run;
    const auto seen = projections::customer_grants::visit(
        **rows, {promotion.value - 1}, [&](const projections::customer_grants_row& row) {
          if (row.promotion == promotion)
            run = source().lists->customers(*source().log, promotion, row.list_sha256);
          return false;
        });
    if (!seen) return tl::unexpected{seen.error()};
    if (!run) return tl::unexpected{run.error()};
    run_ = std::move(*run);
    return {};
  }
  auto write(promotion_id promotion, export_writer& out) -> result<bool> override {
    if (run_ == nullptr) return false;
    std::size_t written = 0;
    const auto seen =
        run_->visit(from_, [&](customer_uid customer, const store::import_place& place) {
          out.begin_row();
          out.id(customer.value);
          out.id(promotion.value);
          out.count(place.fact.value);
          out.count(place.row);
          out.end_row();
          return ++written < step_rows;
        });
    if (!seen) return tl::unexpected{seen.error()};
    from_ += written;
    return from_ < run_->size();
  }

  std::shared_ptr<const store::customer_run> run_;
  std::uint64_t from_{0};
};

}  // namespace

auto export_fields(std::string_view view) -> std::vector<schema_field> {
  const auto all = [](std::string_view name) {
    const auto fields = find_schema(name)->fields;
    return std::vector<schema_field>{fields.begin(), fields.end()};
  };
  if (view == "target_status") return all("TargetRow");
  if (view == "reconciliation") return all("ReconciliationRow");
  if (view == "customer_grants") return all("CustomerGrant");
  if (view == "promotion_summary") {
    auto fields = all("Promotion");
    std::erase_if(fields, [](const schema_field& f) { return f.name.starts_with("as_of"); });
    return fields;
  }
  if (view != "partition_progress") return {};
  auto fields = all("Partition");
  fields.insert(fields.begin(), {"promotion_id", shape::id, false, "", ""});
  return fields;
}

auto open_export(export_source source) -> std::unique_ptr<view_export> {
  if (source.view == "promotion_summary")
    return std::make_unique<summary_export>(std::move(source));
  if (source.view == "partition_progress")
    return std::make_unique<partition_export>(std::move(source));
  if (source.view == "reconciliation")
    return std::make_unique<reconciliation_export>(std::move(source));
  if (source.view == "target_status") return std::make_unique<target_export>(std::move(source));
  if (source.view == "customer_grants") return std::make_unique<customer_export>(std::move(source));
  return nullptr;
}

}  // namespace bestow::http
