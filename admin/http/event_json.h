// Items of log records as JSON.
#pragma once

#include "admin/http/text.h"
#include "storage/dead_letter_book.h"
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

/// {"seq","received","tenant","region","event":{CloudEvents JSON}}; without `payload`: "data_hidden", no
/// data.
void write_event(JsonWriter& json, const RecordView& record, size_t item, const LogNames& names,
                 bool payload = true);
/// As write_event, flat and without payload: for lists that pass by.
void write_event_summary(JsonWriter& json, const RecordView& record, size_t item, const LogNames& names);
/// {"seq","received","tenant","cause","help","detail","peer","producer","position","raw" or "raw_base64",...,
/// "event" where the raw bytes are one in FlatBuffers}. With `book`, also "status", "retry_of" and "history".
/// Without `payload`: "raw_hidden", and no bytes of it.
void write_dead_letter(JsonWriter& json, const RecordView& record, size_t item, const LogNames& names,
                       const DeadLetterBook* book = nullptr, Seq durable = DeadLetterBook::kNever,
                       bool payload = true);

/// An event's data: as it is where it is JSON, else as text (binary producers send what they like).
void write_payload(JsonWriter& json, std::string_view data);

/// An event's bytes in FlatBuffers, whole and sound; else null. Copies what is not aligned into `room`.
const fb::Event* sound_event(std::span<const uint8_t> bytes, std::vector<uint64_t>& room);

}  // namespace penstock::http
