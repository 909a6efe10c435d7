// The AsyncAPI document: well formed, and with every subject that the code speaks or listens on.
#include <algorithm>
#include <functional>
#include <set>

#include <nlohmann/json.hpp>

#include "actors/stream_audit.hpp"
#include "apps/nats/asyncapi.hpp"
#include "apps/nats/command_table.hpp"
#include "apps/nats/service_info.hpp"
#include "bus/dead_letter.hpp"
#include "bus/subject.hpp"
#include "events/codec.hpp"
#include "tests/catch.hpp"

namespace bestow::testing {
namespace {

using nlohmann::json;

auto document(const config::settings& s = {}) -> json {
  return json::parse(commands::asyncapi(s, "1.2.3"));
}

/// Addresses with every listed value of their parameters, and * for those without a list.
auto subjects_of(const json& doc) -> std::set<std::string> {
  std::set<std::string> all;
  for (const auto& [id, channel] : doc["channels"].items()) {
    if (channel["address"].is_null()) continue;
    std::vector<std::string> some{channel["address"].get<std::string>()};
    const auto parameters = channel.value("parameters", json::object());
    for (const auto& [name, parameter] : parameters.items()) {
      std::vector<std::string> next;
      const auto hole = "{" + name + "}";
      for (const auto& text : some)
        for (const auto& value : parameter.value("enum", json::array({"*"}))) {
          auto made = text;
          REQUIRE(made.find(hole) != std::string::npos);
          made.replace(made.find(hole), hole.size(), value.get<std::string>());
          next.push_back(made);
        }
      some = std::move(next);
    }
    for (const auto& text : some) {
      CAPTURE(id, text);
      CHECK(text.find('{') == std::string::npos);
      CHECK(all.insert(text).second);
    }
  }
  return all;
}

/// AsyncAPI 3.0 lets these objects have no others.
void check_members(const json& object, const std::set<std::string>& allowed) {
  for (const auto& [name, value] : object.items()) {
    CAPTURE(name);
    CHECK(allowed.contains(name));
  }
}

void visit(const json& value, const std::function<void(const json&)>& see) {
  see(value);
  if (value.is_structured())
    for (const auto& inner : value) visit(inner, see);
}

}  // namespace

TEST_CASE("the document is AsyncAPI 3.0 whose references all lead somewhere", "[unit][nats]") {
  const auto doc = document();
  CHECK(doc["asyncapi"] == "3.0.0");
  CHECK(doc["info"]["title"] == "Bestow");
  CHECK(doc["info"]["version"] == "1.2.3");
  std::size_t references = 0;
  visit(doc, [&](const json& value) {
    if (!value.is_object() || !value.contains("$ref")) return;
    ++references;
    const auto to = value["$ref"].get<std::string>();
    CAPTURE(to);
    REQUIRE(to.starts_with("#/"));
    CHECK(doc.contains(json::json_pointer{to.substr(1)}));
  });
  CHECK(references > 100);
  check_members(doc, {"asyncapi", "info", "defaultContentType", "servers", "channels",
                      "operations", "components"});
  for (const auto& [id, operation] : doc["operations"].items()) {
    CAPTURE(id);
    CHECK((operation["action"] == "send" || operation["action"] == "receive"));
    check_members(operation, {"action", "channel", "summary", "reply"});
    if (operation.contains("reply")) check_members(operation["reply"], {"channel"});
    CHECK(doc["channels"].contains(id));
  }
  for (const auto& [id, channel] : doc["channels"].items()) {
    CAPTURE(id);
    CHECK(id.find_first_of("/~") == std::string::npos);
    CHECK(channel.contains("address"));
    check_members(channel, {"address", "description", "messages", "parameters"});
    const auto parameters = channel.value("parameters", json::object());
    for (const auto& [name, parameter] : parameters.items())
      check_members(parameter, {"enum", "description"});
    REQUIRE(channel["messages"].is_object());
    for (const auto& [name, message] : channel["messages"].items()) {
      check_members(message, {"headers", "payload", "contentType"});
      CHECK(message["payload"].is_object());
    }
  }
}

TEST_CASE("every subject of the code stands in the document, and no other", "[unit][nats]") {
  config::settings s;
  s.grants.voucher_topic = "other.voucher.publish";
  s.nats.command_prefix = "team.cmd";
  s.grants.event_prefix = "team.evt";
  const auto found = subjects_of(document(s));
  std::set<std::string> wanted{"other.voucher.publish.*",
                               "prepay.campaign.point.publish.*",
                               "other.voucher.recall.*",
                               "prepay.campaign.point.recall.*",
                               "prepay.campaign.voucher.result.*",
                               "prepay.campaign.point.result.*",
                               std::string{bus::dead_letter_subject}};
  actors::engine_options options;
  options.grants = s.grants;
  for (const auto type : {promotion_type::voucher, promotion_type::point})
    wanted.insert(actors::identity_subject(options, type));
  for (const auto type : all_event_types())
    wanted.insert("team.evt." + std::string{name_of(aggregate_of(type))} + "." +
                  std::string{name_of(type)});
  for (const auto& c : commands::command_table()) wanted.insert("team.cmd." + c.name);
  for (const auto* verb : {"PING", "INFO", "STATS"})
    for (const auto* end : {"", ".bestow", ".bestow.*"})
      wanted.insert(std::string{"$SRV."} + verb + end);
  CHECK(found == wanted);
  // What a grant stream holds and what the service listens on is covered.
  for (const auto type : {promotion_type::voucher, promotion_type::point})
    for (const auto& subject : actors::grant_stream_config(options, type, "x", 1).subjects)
      CHECK((found.contains(subject) || found.contains(subject + ".*")));
  for (const auto& to : commands::service_subjects())
    CHECK(std::any_of(found.begin(), found.end(), [&](const std::string& f) {
      return bus::subject_matches(to.subject, f);
    }));
  s.grants.partition_token = false;
  CHECK(subjects_of(document(s)).contains("other.voucher.publish"));
}

TEST_CASE("a command's request and answer are described field by field", "[unit][nats]") {
  const auto doc = document();
  const auto request = [&](const std::string& name) -> json {
    return doc["channels"]["command." + name]["messages"]["request"];
  };
  const auto recall = request("promotion.recall")["payload"];
  CHECK(recall["required"] == json::array({"promotion_id", "reason"}));
  CHECK(recall["properties"].contains("targets"));
  CHECK(request("promotion.import")["payload"]["required"] ==
        json::array({"promotion_id", "rows"}));
  const auto rows = doc["channels"]["command.promotion.import"]["messages"]["rows"];
  CHECK(rows["headers"]["properties"].contains("Bestow-Dry-Run"));
  CHECK(rows["headers"]["required"] == json::array({"Bestow-Promotion-Id"}));
  CHECK(rows["payload"]["type"] == "string");
  const auto answer = doc["channels"]["command.promotion.show.reply"]["messages"]["answer"];
  CHECK(answer["payload"]["oneOf"][0]["$ref"] == "#/components/schemas/Promotion");
  CHECK(answer["payload"]["oneOf"][1]["$ref"] == "#/components/schemas/Problem");
  for (const auto& c : commands::command_table()) {
    const auto id = "command." + c.name;
    CAPTURE(id);
    CHECK(doc["operations"][id]["reply"]["channel"]["$ref"] == "#/channels/" + id + ".reply");
  }
  CHECK(doc["components"]["schemas"]["PointGrant"]["properties"].contains("payloads"));
}

TEST_CASE("the page of commands has a row for each", "[unit][nats]") {
  const auto page = commands::commands_page({});
  for (const auto& c : commands::command_table())
    CHECK(page.find("| `bestow.cmd." + c.name + "` |") != std::string::npos);
}

}  // namespace bestow::testing
