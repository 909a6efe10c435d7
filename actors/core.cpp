#include "actors/core.hpp"

#include "actors/directory.hpp"
#include "actors/log_writer.hpp"
#include "actors/publisher.hpp"

namespace bestow::actors {

auto spawn_core(caf::actor_system& system, const context_ptr& context) -> core_actors {
  core_actors core;
  core.log_writer = context->detach ? system.spawn<caf::detached>(run_log_writer, context)
                                    : system.spawn(run_log_writer, context);
  context->book.set(address_book::entry::log_writer, core.log_writer);
  core.directory = system.spawn(run_directory, context);
  // The directory enters itself too; whoever asks before it runs finds it all the same.
  context->book.set(address_book::entry::directory, core.directory);
  end_process_with(context, core.directory, "the directory");
  return core;
}

void connect_bus(bus::message_bus& messages, const context_ptr& context) {
  messages.on_chunk_ack([context](const bus::chunk_ack& ack) {
    if (auto publisher = context->book.publisher(type_of_token(ack.token)))
      caf::anon_send(publisher, ack_arrived{ack});
  });
  messages.on_link([context](bus::link_state state) {
    for (const auto type : {promotion_type::voucher, promotion_type::point})
      if (auto publisher = context->book.publisher(type))
        caf::anon_send(publisher, link_changed{state == bus::link_state::connected});
  });
}

}  // namespace bestow::actors
