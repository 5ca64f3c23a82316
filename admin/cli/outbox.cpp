#include "admin/cli/outbox.h"

#include <algorithm>
#include <cstring>

#include "admin/cli/frame_encoder.h"
#include "admin/cli/line_source.h"

namespace penstock::cli {
namespace {

constexpr size_t kSparesMax = 8;

/// `lines` without its first `skip` events, and without what stands between and before them.
std::string drop_lines(const std::string& lines, uint64_t skip) {
    size_t at = 0;
    while (skip > 0) {
        const size_t end = lines.find('\n', at);
        if (kind_of(std::string_view(lines).substr(at, end - at)) == LineKind::kEvent) --skip;
        at = end + 1;
    }
    return lines.substr(at);
}

}  // namespace

std::string Outbox::spare() {
    if (spares_.empty()) return {};
    std::string buffer = std::move(spares_.back());
    spares_.pop_back();
    buffer.clear();
    return buffer;
}

void Outbox::push(Piece piece) {
    kept_bytes_ += piece.bytes.size();
    unwritten_bytes_ += piece.bytes.size();
    pieces_.push_back(std::move(piece));
}

size_t Outbox::gather(std::span<iovec> parts, uint64_t credits_bytes) const {
    size_t count = 0;
    uint64_t held = under_way_bytes_;
    for (size_t i = first_unwritten_; i < pieces_.size() && count < parts.size(); ++i) {
        const Piece& piece = pieces_[i];
        if (piece.written == 0 && piece.credit_bytes > 0) {
            if (held > 0 && held + piece.credit_bytes > credits_bytes) break;
            held += piece.credit_bytes;
        }
        // writev takes no const buffer, and does not write to it.
        parts[count++] = {const_cast<char*>(piece.bytes.data()) + piece.written,
                          piece.bytes.size() - piece.written};
    }
    return count;
}

void Outbox::mark_written(size_t bytes, int64_t now_ns) {
    unwritten_bytes_ -= bytes;
    while (bytes > 0) {
        Piece& piece = pieces_[first_unwritten_];
        if (piece.written == 0) {
            under_way_bytes_ += piece.credit_bytes;
            if (piece.handed_ns == 0) piece.handed_ns = now_ns;
        }
        const size_t part = std::min(bytes, piece.bytes.size() - piece.written);
        piece.written += part;
        bytes -= part;
        if (piece.written == piece.bytes.size()) ++first_unwritten_;
    }
}

uint64_t Outbox::written_through(uint64_t newest) const {
    return first_unwritten_ == pieces_.size() ? newest : pieces_[first_unwritten_].first - 1;
}

void Outbox::acknowledge(uint64_t position) {
    while (!pieces_.empty()) {
        Piece& piece = pieces_.front();
        if (piece.last() > position || piece.written < piece.bytes.size()) return;
        kept_bytes_ -= piece.bytes.size();
        under_way_bytes_ -= piece.credit_bytes;
        if (spares_.size() < kSparesMax) spares_.push_back(std::move(piece.bytes));
        pieces_.pop_front();
        --first_unwritten_;
    }
}

void Outbox::rewind(uint64_t position) {
    std::erase_if(pieces_, [position](const Piece& p) {
        return p.only_once || (p.events > 0 && p.last() <= position);
    });
    if (!pieces_.empty() && pieces_.front().events > 0 && pieces_.front().first <= position) {
        Piece& piece = pieces_.front();
        const uint64_t skip = position + 1 - piece.first;
        piece.bytes = frames_ ? drop_events(piece.bytes, skip) : drop_lines(piece.bytes, skip);
        if (piece.credit_bytes > 0) piece.credit_bytes = piece.bytes.size() - sizeof(wire::FrameHeader);
        piece.first += skip;
        piece.events -= skip;
    }
    first_unwritten_ = 0;
    kept_bytes_ = unwritten_bytes_ = under_way_bytes_ = 0;
    for (Piece& piece : pieces_) {
        piece.written = 0;
        kept_bytes_ += piece.bytes.size();
    }
    unwritten_bytes_ = kept_bytes_;
}

}  // namespace penstock::cli
