#include "perf/support/id_digest.h"

#include "schemas/event_fields.h"
#include "storage/event_log.h"

namespace penstock::bench {

IdDigest digest_of_feed(EventFeed::Options options, uint64_t events, Repeats repeats) {
    options.format = EventFeed::Format::kJson;
    EventFeed feed(options);
    IdDigest digest;
    for (uint64_t done = 0; done < events;) {
        const auto part = feed.next(std::min<uint64_t>(events - done, 4096), 0);
        for (uint64_t i = feed.position() - part.events; i < feed.position(); ++i) {
            const EventFeed::Item& item = feed.item(i);
            if (item.repeat && repeats == Repeats::kOnce) continue;
            digest.add_event({reinterpret_cast<const char*>(feed.block()) + item.begin, item.length});
        }
        done += part.events;
    }
    return digest;
}

IdDigest digest_of_log(const std::string& path) {
    EventLog::Options options;
    options.path = path;
    options.read_only = true;
    const EventLog log(options);
    IdDigest found;
    LogReader(log).scan(
        1,
        [&](const RecordView& record) {
            if (record.header->kind != RecordKind::kEvents) return true;
            for (size_t i = 0; i < record.count(); ++i) found.add(view_of(event_of(record.bytes(i))->id()));
            return true;
        },
        true);
    return found;
}

}  // namespace penstock::bench
