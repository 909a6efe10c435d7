// A view's status as JSON; shared with the offline `view list`. Pure.
#pragma once

#include "apps/http/json_writer.hpp"
#include "projections/view_set.hpp"

namespace bestow::http {

void write_view(json_writer& w, const projections::view_status& v);

}  // namespace bestow::http
