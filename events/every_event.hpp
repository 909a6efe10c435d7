// The list of events, for what must be said once of each of them. Private to events/.
#pragma once

/// Every event once, in the order of its number. A new event is its struct, its alternative in
/// any_event and in its aggregate's variant, its number in event_type, and one line here.
#define BESTOW_EVERY_EVENT(event)                                  \
  event(promotion_created)                                         \
  event(batch_opened)                                              \
  event(targets_imported)                                          \
  event(batch_closed)                                              \
  event(batch_abandoned)                                           \
  event(list_sealed)                                               \
  event(promotion_approved)                                        \
  event(run_started)                                               \
  event(run_stopping)                                              \
  event(run_stopped)                                               \
  event(promotion_completed)                                       \
  event(promotion_scheduled)                                       \
  event(promotion_cancelled)                                       \
  event(promotion_closed)                                          \
  event(promotion_failed)                                          \
  event(approval_refused)                                          \
  event(recall_started)                                            \
  event(recall_finished)                                           \
  event(targets_released)                                          \
  event(targets_publish_failed)                                    \
  event(grants_published)                                          \
  event(results_recorded)                                          \
  event(double_grant_detected)                                     \
  event(partition_done)                                            \
  event(targets_abandoned)                                         \
  event(results_overdue)                                           \
  event(retry_planned)                                             \
  event(recall_planned)                                            \
  event(recalls_recorded)                                          \
  event(stream_generation_started) event(stream_tail_republished)  \
  event(stream_halted) event(stream_generation_completed)          \
  event(stream_paused) event(stream_resumed) event(stream_adopted)
