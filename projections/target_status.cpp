#include "projections/target_status.hpp"

namespace bestow::projections {

namespace {

/// Stamps records with the fact that changed them.
struct stamper {
  const fact_head& head;
  void changed(status_record& r, const target_change& c) const {
    if (is_published(c.after) && !is_published(c.before)) r.published_at = head.recorded_at;
    r.updated_at = head.recorded_at;
  }
  void changed(status_record& r, const result_change& c) const {
    changed(r, static_cast<const target_change&>(c));
    r.process = static_cast<std::uint8_t>(c.said);
    r.result_row = c.row;
    r.result_at = head.at;
  }
};

}  // namespace

auto target_status::fold::apply(const fact_head& head, const list_sealed& e) -> result<void> {
  return targets_.apply(head, e);
}

auto target_status::fold::apply(const fact_head& head, const targets_released& e) -> result<void> {
  return targets_.apply(head, e, stamper{head});
}

auto target_status::fold::apply(const fact_head& head, const targets_publish_failed& e)
    -> result<void> {
  return targets_.apply(head, e, stamper{head});
}

auto target_status::fold::apply(const fact_head& head, const grants_published& e) -> result<void> {
  if (auto done = targets_.apply(head, e, stamper{head}); !done)
    return tl::unexpected{done.error()};
  return {};
}

auto target_status::fold::apply(const fact_head& head, const results_recorded& e) -> result<void> {
  if (auto done = targets_.apply(head, e, stamper{head}); !done)
    return tl::unexpected{done.error()};
  return {};
}

auto target_status::fold::apply(const fact_head& head, const targets_abandoned& e)
    -> result<void> {
  return targets_.apply(head, e, stamper{head});
}

auto target_status::fold::apply(const fact_head& head, const results_overdue& e) -> result<void> {
  return targets_.apply(head, e, stamper{head});
}

auto target_status::fold::apply(const fact_head& head, const recalls_recorded& e) -> result<void> {
  return targets_.apply(head, e, stamper{head});
}

}  // namespace bestow::projections
