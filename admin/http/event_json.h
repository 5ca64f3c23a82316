// Items of log records as JSON.
#pragma once

#include "admin/http/text.h"
#include "storage/event_log.h"

namespace penstock::fb {
struct Event;
struct DeadLetter;
}  // namespace penstock::fb

namespace penstock::http {

/// The stored event of an item, or null when its bytes are no valid one (a damaged page must not be
/// followed).
const fb::Event* stored_event(const RecordView& record, size_t item);
const fb::DeadLetter* stored_dead_letter(const RecordView& record, size_t item);

/// {"seq","received","tenant","region","event":{CloudEvents JSON}}
void write_event(JsonWriter& json, const RecordView& record, size_t item, const LogNames& names);
/// As write_event, flat and without payload: for lists that pass by.
void write_event_summary(JsonWriter& json, const RecordView& record, size_t item, const LogNames& names);
/// {"seq","received","cause","help","detail","peer","producer","position","raw" or "raw_base64",...}
void write_dead_letter(JsonWriter& json, const RecordView& record, size_t item);

}  // namespace penstock::http
