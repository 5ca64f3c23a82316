#include "storage/dead_letter_book.h"

#include <boost/json.hpp>
#include <charconv>
#include <utility>

#include "schemas/event_fields.h"

namespace penstock {
namespace {

namespace json = boost::json;

/// Retries whose outcome was lost with the process; older ones are forgotten.
constexpr size_t kActionsMax = 16;

Seq number_of(std::string_view text) {
    Seq n = 0;
    std::from_chars(text.data(), text.data() + text.size(), n);
    return n;
}
std::string text_at(const json::object& o, std::string_view name) {
    const json::value* v = o.if_contains(name);
    return v && v->is_string() ? std::string(v->get_string()) : std::string();
}
bool flag_at(const json::object& o, std::string_view name) {
    const json::value* v = o.if_contains(name);
    return v && v->is_bool() && v->get_bool();
}

}  // namespace

void DeadLetterBook::apply(const RecordView& record) {
    const Seq letter = record.header->retry_of;
    switch (record.header->kind) {
        case RecordKind::kEvents: {
            if (letter == 0) return;
            std::lock_guard lock(mutex_);
            return finish(letter, RetryOutcome::kStored, record.first_seq(), Refusal::kNone);
        }
        case RecordKind::kDeadLetters: {
            std::lock_guard lock(mutex_);
            for (size_t i = 0; i < record.count(); ++i)
                count_letters((record.first_seq() + i) / kBucketSeqs, 1);
            if (letter == 0) return;
            const auto* refused = flatbuffers::GetRoot<fb::DeadLetter>(record.bytes(0).data());
            finish(letter, RetryOutcome::kRefused, record.first_seq(),
                   static_cast<Refusal>(refused->cause()));
            change(record.first_seq()).retry_of = letter;
            return;
        }
        case RecordKind::kControl:
            return apply_control(record);
    }
}

void DeadLetterBook::apply_control(const RecordView& record) {
    if (record.count() == 0) return;
    const auto* control = flatbuffers::GetRoot<fb::Control>(record.bytes(0).data());
    const auto kind = static_cast<ControlKind>(control->kind());
    if (kind != ControlKind::kDeadLetterRetried && kind != ControlKind::kDeadLetterDropped &&
        kind != ControlKind::kDeadLettersExpired)
        return;
    const Seq named = number_of(view_of(control->name()));
    std::lock_guard lock(mutex_);
    if (kind == ControlKind::kDeadLettersExpired) return expire(named);
    json::error_code failed;
    const json::value parsed = json::parse(view_of(control->text()), failed);
    if (failed || !parsed.is_object()) return;
    const json::object& o = parsed.get_object();
    LetterAction action;
    action.seq = record.first_seq();
    action.stamp_ns = record.stamp(0);
    action.drop = kind == ControlKind::kDeadLetterDropped;
    action.by = text_at(o, "by");
    action.note = text_at(o, "note");
    action.edited = flag_at(o, "edited");
    if (const json::value* event = o.if_contains("event"); event && event->is_number())
        action.event = event->to_number<Seq>(failed);
    LetterFate& fate = change(named);
    count(fate, -1);
    if (fate.actions.size() == kActionsMax) fate.actions.erase(fate.actions.begin());
    fate.actions.push_back(std::move(action));
    count(fate, 1);
    // A duplicate is no record of its own: its original is durable before this one.
    if (text_at(o, "outcome") == kRetryOutcomeNames[static_cast<size_t>(RetryOutcome::kDuplicate)])
        finish(named, RetryOutcome::kDuplicate, 0, Refusal::kNone);
}

LetterFate& DeadLetterBook::change(Seq letter) {
    dirty_fates_.insert(letter);
    return fates_[letter];
}

void DeadLetterBook::finish(Seq letter, RetryOutcome outcome, Seq result, Refusal cause) {
    const auto at = fates_.find(letter);
    if (at == fates_.end() || at->second.actions.empty()) return;
    count(at->second, -1);
    LetterAction& retry = at->second.actions.back();
    retry.outcome = outcome;
    retry.result_seq = result;
    retry.cause = cause;
    if (retry.event != 0 && outcome == RetryOutcome::kStored) stored_again_.insert(retry.event);
    count(at->second, 1);
    dirty_fates_.insert(letter);
}

void DeadLetterBook::count(const LetterFate& fate, int64_t n) {
    if (fate.status() == LetterStatus::kRetried) retried_ += n;
    if (fate.status() == LetterStatus::kDropped) dropped_ += n;
}

void DeadLetterBook::count_letters(Seq bucket, uint32_t n) {
    buckets_[bucket] += n;
    letters_ += n;
    dirty_buckets_.insert(bucket);
    expires_at_.store((buckets_.begin()->first + 1) * kBucketSeqs, std::memory_order_release);
}

void DeadLetterBook::expire(Seq below) {
    while (!buckets_.empty() && (buckets_.begin()->first + 1) * kBucketSeqs <= below) {
        letters_ -= buckets_.begin()->second;
        dirty_buckets_.insert(buckets_.begin()->first);
        buckets_.erase(buckets_.begin());
    }
    const Seq gone = below / kBucketSeqs * kBucketSeqs;  // what its bucket counts stays
    while (!fates_.empty() && fates_.begin()->first < gone) {
        count(fates_.begin()->second, -1);
        for (const LetterAction& action : fates_.begin()->second.actions) stored_again_.erase(action.event);
        dirty_fates_.insert(fates_.begin()->first);
        fates_.erase(fates_.begin());
    }
    expires_at_.store(buckets_.empty() ? kNever : (buckets_.begin()->first + 1) * kBucketSeqs,
                      std::memory_order_release);
}

LetterFate DeadLetterBook::fate(Seq letter, Seq durable) const {
    std::lock_guard lock(mutex_);
    const auto at = fates_.find(letter);
    if (at == fates_.end()) return {};
    LetterFate fate = at->second;
    std::erase_if(fate.actions, [&](const LetterAction& action) { return action.seq >= durable; });
    for (LetterAction& action : fate.actions)
        if (action.result_seq >= durable) action.outcome = RetryOutcome::kUnknown, action.result_seq = 0;
    return fate;
}

DeadLetterBook::Counts DeadLetterBook::counts() const {
    std::lock_guard lock(mutex_);
    const uint64_t acted = retried_ + dropped_;
    return {letters_ > acted ? letters_ - acted : 0, retried_, dropped_};
}

bool DeadLetterBook::stored_again(Seq event) const {
    std::lock_guard lock(mutex_);
    return stored_again_.contains(event);
}

// --- checkpoints ------------------------------------------------------------------------------------------

namespace {
constexpr uint8_t kBucketRow = 1, kFateRow = 2;
}

void DeadLetterBook::begin_save(Checkpoint& out) {
    std::lock_guard lock(mutex_);
    RowWriter key, value;
    const auto key_of = [&](uint8_t kind, Seq seq) {
        key.clear();
        value.clear();
        return key.key_u8(row_prefix()).key_u8(kind).key_u64(seq).bytes();
    };
    for (const Seq bucket : std::exchange(dirty_buckets_, {})) {
        const auto row = key_of(kBucketRow, bucket);
        const auto at = buckets_.find(bucket);
        at == buckets_.end() ? out.erase(row) : out.put(row, value.value(at->second).bytes());
    }
    for (const Seq letter : std::exchange(dirty_fates_, {})) {
        const auto row = key_of(kFateRow, letter);
        const auto at = fates_.find(letter);
        if (at == fates_.end()) {
            out.erase(row);
            continue;
        }
        value.value(at->second.retry_of);
        for (const LetterAction& a : at->second.actions)
            value.value(a.seq)
                .value(a.stamp_ns)
                .value(a.result_seq)
                .value(a.event)
                .value(static_cast<uint16_t>(a.cause))
                .value(static_cast<uint8_t>(a.outcome))
                .value(static_cast<uint8_t>((a.drop ? 1 : 0) | (a.edited ? 2 : 0)))
                .text(a.by)
                .text(a.note);
        out.put(row, value.bytes());
    }
}

void DeadLetterBook::load_row(std::span<const uint8_t> key_bytes, std::span<const uint8_t> value_bytes) {
    std::lock_guard lock(mutex_);
    RowReader key(key_bytes), value(value_bytes);
    key.key_u8();
    const uint8_t kind = key.key_u8();
    const Seq seq = key.key_u64();
    if (kind == kBucketRow) {
        count_letters(seq, value.value<uint32_t>());
        dirty_buckets_.erase(seq);
        return;
    }
    LetterFate& fate = fates_[seq];
    fate.retry_of = value.value<Seq>();
    while (!value.at_end()) {
        LetterAction a;
        a.seq = value.value<Seq>();
        a.stamp_ns = value.value<StampNs>();
        a.result_seq = value.value<Seq>();
        a.event = value.value<Seq>();
        a.cause = static_cast<Refusal>(value.value<uint16_t>());
        a.outcome = static_cast<RetryOutcome>(value.value<uint8_t>());
        const auto flags = value.value<uint8_t>();
        a.drop = flags & 1;
        a.edited = flags & 2;
        a.by = value.text();
        a.note = value.text();
        if (!value.ok()) break;
        if (a.event != 0 && a.outcome == RetryOutcome::kStored) stored_again_.insert(a.event);
        fate.actions.push_back(std::move(a));
    }
    count(fate, 1);
}

}  // namespace penstock
