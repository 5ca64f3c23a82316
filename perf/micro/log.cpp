// Log append against bare LMDB: the same bytes, the same groups, both durable, in turns.
#include <filesystem>

#include "perf/micro/micro.h"
#include "perf/support/log_appends.h"
#include "storage/sealed_record.h"

namespace penstock::bench {
namespace {

void run_group(const MicroOptions& options, const Records& records, size_t group, const std::string& name) {
    uint64_t events = 0, bytes = 0;
    for (const auto& record : records) events += record->count(), bytes += record->header.value_bytes();
    Runs ratio, log, bare;
    append_bare(options.folder + "/bare", records, group);  // once unmeasured
    for (size_t i = 0; i < std::max<size_t>(options.runs, 5); ++i) {
        const double b = append_bare(options.folder + "/bare", records, group);
        const double l = append_log(options.folder + "/log", records, group, events);
        ratio.add(b / l);
        bare.add(static_cast<double>(events) / b), log.add(static_cast<double>(events) / l);
    }
    Result("log/append_" + name, log, "events/s")
        .more("bytes_an_event", static_cast<double>(bytes) / static_cast<double>(events))
        .print();
    Result("log/bare_lmdb_" + name, bare, "events/s")
        .note("the same bytes and groups; both fdatasync each group")
        .print();
    Result("log/ratio_" + name, ratio, "of bare LMDB").target(0.8).print();
}

/// What it costs to keep every event sealed: sealing and opening a record's items, without the disk.
void run_sealed(const MicroOptions& options, const Records& records) {
    const std::string file = options.folder + "/seal.key";
    std::filesystem::remove(file);
    read_or_make_seal_keys(file);
    SealKeys keys;
    for (uint16_t region = 0; region < limits::kRegionsMax; ++region) keys.add_region(region, file);
    RecordOpener opener(&keys);
    Runs sealed, opened;
    for (size_t run = 0; run < options.runs; ++run) {
        int64_t sealing_ns = 0, opening_ns = 0;
        uint64_t events = 0;
        for (const auto& record : records) {
            const RecordView view = record->view();
            std::vector<uint8_t> heap(view.heap.begin(), view.heap.end());
            heap.resize(heap.size() + seal_bytes_for(view, keys));
            const int64_t begin = monotonic_now_ns();
            seal_items(view, keys, heap.data(), heap.data() + view.heap.size());
            const int64_t between = monotonic_now_ns();
            RecordHeader header = *view.header;
            header.seal_bytes = seal_bytes_of(header.count);
            RecordView stored = view;
            stored.header = &header;
            stored.heap = {heap.data(), view.heap.size()};
            stored.opener = &nobody_opens();
            opener.take(stored);
            uint64_t wrong = 0;
            std::vector<std::span<const uint8_t>> items;
            for (size_t i = 0; i < stored.count(); ++i) items.push_back(stored.bytes(i));
            opening_ns += monotonic_now_ns() - between;
            sealing_ns += between - begin;
            for (size_t i = 0; i < stored.count(); ++i)
                wrong += !std::equal(items[i].begin(), items[i].end(), view.bytes(i).begin());
            expect_equal(wrong, 0u, "items that are not what was sealed");
            events += stored.count();
        }
        sealed.add(static_cast<double>(events) * 1e9 / static_cast<double>(sealing_ns));
        opened.add(static_cast<double>(events) * 1e9 / static_cast<double>(opening_ns));
    }
    Result("log/seal", sealed, "events/s").note("XChaCha20-Poly1305, an event by itself").print();
    Result("log/open", opened, "events/s").print();
}

}  // namespace

void bench_log(const MicroOptions& options) {
    const auto records = make_records(options.quick ? 40 : 400, {});
    run_group(options, records, 1, "1_record");
    run_group(options, records, 8, "8_records");
    run_sealed(options, records);
}

}  // namespace penstock::bench
