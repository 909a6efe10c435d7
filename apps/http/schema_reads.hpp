// Fields of the answers about customers and exported views. Part of schema.cpp's table; private to
// it.
#pragma once

#include <array>

#include "apps/http/schema.hpp"

namespace bestow::http {
namespace {

constexpr auto customer_history = std::to_array<schema_field>({
    {"customer_uid", shape::id, false, "", ""},
    {"promotion_count", shape::count, false, "", "Sealed lists that have the customer."},
    {"target_count", shape::count, false, "", "The customer's targets in them."},
    {"facts", shape::list, false, "CustomerFact", "In log order."},
    {"next", shape::text, true, "", "Give as after for the next page."},
    {"as_of_position", shape::count, false, "", ""},
    {"as_of", shape::time, true, "", "The earlier time that was asked about."},
});
constexpr auto customer_fact = std::to_array<schema_field>({
    {"position", shape::count, false, "", ""},
    {"recorded_at", shape::time, true, "", ""},
    {"promotion_id", shape::id, false, "", ""},
    {"promotion_type", shape::text, false, "", "VOUCHER or POINT."},
    {"target_id", shape::id, false, "", ""},
    {"amount", shape::money, false, "", "The target's, minor units."},
    {"currency", shape::text, false, "", "ISO 4217."},
    {"event", shape::text, false, "", ""},
    {"detail", shape::text, false, "", "The fact in words."},
    {"batch", shape::text, true, "", "Of an import."},
    {"row", shape::count, true, "", "Of an import: data row of the input, from 1."},
    {"run_no", shape::count, true, "", "Of a release and its publish."},
    {"attempt", shape::count, true, "", ""},
    {"stream_seq", shape::count, true, "", "Of a publish: the message's sequence."},
    {"result", shape::text, true, "", "What the payer said: SUCCESS, RETRYING, FAILED, ..."},
    {"transaction_key", shape::text, true, "", ""},
    {"error_message", shape::text, true, "", ""},
    {"said_at", shape::time, true, "", "When the payer says that it happened."},
});

constexpr auto target_row = std::to_array<schema_field>({
    {"promotion_id", shape::id, false, "", ""},
    {"promotion_type", shape::text, false, "", "VOUCHER or POINT."},
    {"target_id", shape::id, false, "", ""},
    {"customer_uid", shape::id, false, "", ""},
    {"voucher_number", shape::text, true, "", "Of a voucher."},
    {"merchant_code", shape::text, true, "", "Of a voucher."},
    {"merchant_brand_code", shape::text, true, "", "Of a voucher."},
    {"amount", shape::money, false, "", "Minor units."},
    {"currency", shape::text, false, "", "ISO 4217."},
    {"is_withdrawal", shape::flag, true, "", "Of a voucher."},
    {"expiry_at", shape::time, true, "", "Of a voucher: valid until."},
    {"reason", shape::text, false, "", ""},
    {"partition_key", shape::count, false, "", ""},
    {"publish_status", shape::text, false, "", "PENDING, PUBLISHED or FAILED."},
    {"status", shape::text, false, "", "pending, released, published, retrying, success, ..."},
    {"recall_status", shape::text, false, "", "none, recalling, recalled or recall_failed."},
    {"attempt", shape::count, false, "", ""},
    {"published_at", shape::time, true, "", ""},
    {"updated_at", shape::time, true, "", ""},
    {"process_status", shape::text, true, "", "SUCCESS, RETRYING or FAILED."},
    {"transaction_key", shape::text, true, "", ""},
    {"error_message", shape::text, true, "", ""},
});
constexpr auto reconciliation_row = std::to_array<schema_field>({
    {"promotion_id", shape::id, false, "", ""},
    {"promotion_type", shape::text, false, "", "VOUCHER or POINT."},
    {"run_no", shape::count, false, "", "The latest run; 0: never run."},
    {"sealed_count", shape::count, false, "", ""},
    {"sealed_amount", shape::money, false, "", "Minor units, as all amounts here."},
    {"released_count", shape::count, false, "", "Grants of first attempts."},
    {"released_retries", shape::count, false, "", "Grants of later attempts."},
    {"published_count", shape::count, false, "", "Targets with a durable publish."},
    {"published_amount", shape::money, false, "", ""},
    {"publish_failed_count", shape::count, false, "", ""},
    {"publish_failed_amount", shape::money, false, "", ""},
    {"abandoned_count", shape::count, false, "", ""},
    {"abandoned_amount", shape::money, false, "", ""},
    {"provider_count", shape::count, false, "", "Targets the payer said SUCCESS for."},
    {"provider_amount", shape::money, false, "", ""},
    {"refused_count", shape::count, false, "", "Published, and the payer's last word is FAILED."},
    {"double_grants", shape::count, false, "", ""},
    {"completed", shape::flag, false, "", ""},
    {"list_matches_stream", shape::flag, false, "", ""},
    {"stream_matches_provider", shape::flag, false, "", ""},
});
constexpr auto customer_grant = std::to_array<schema_field>({
    {"customer_uid", shape::id, false, "", ""},
    {"promotion_id", shape::id, false, "", ""},
    {"import_position", shape::count, false, "", "The targets_imported that has the target."},
    {"import_index", shape::count, false, "", "The target's place in it, from 0."},
});

}  // namespace
}  // namespace bestow::http
