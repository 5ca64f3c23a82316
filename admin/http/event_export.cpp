#include "admin/http/event_export.h"

#include <utility>

#include "admin/http/event_rows.h"
#include "admin/http/text.h"
#include "pipeline/clock.h"

namespace penstock::http {
namespace {

/// Held by who waits for its next piece: the client's session, or the work for it.
class EventExport final : public BodySource, public std::enable_shared_from_this<EventExport> {
  public:
    EventExport(std::unique_ptr<ExportDesk> desk, ExportRequest request)
        : desk_(std::move(desk)), request_(std::move(request)) {}
    ~EventExport() override {
        if (on_record_) desk_->record(text_of_record("end"), {});
    }

    void begin(const Answer& answer) {
        read_page([self = shared_from_this(), answer](std::optional<std::string> piece) {
            if (!piece) return answer(self->refusal());
            self->first_ = std::move(piece);
            // The record comes first: nobody takes events away unseen.
            self->desk_->record(self->text_of_record("begin"), [self, answer](bool durable) {
                if (!durable)
                    return answer(problem(503, "no-record", "The export could not be put on record",
                                          "nothing was exported; ask again")
                                      .header("Retry-After", "5"));
                self->on_record_ = true;
                Response response;
                response.content_type = self->request_.csv ? kCsvType : kNdjsonType;
                response.header("Content-Disposition", fmt::format("attachment; filename=\"events.{}\"",
                                                                   self->request_.csv ? "csv" : "ndjson"));
                for (const EventSearch::Missing& missing : self->missing_)
                    response.header("Penstock-Missing", missing.region.empty() ? "log" : missing.region);
                response.source = self;
                answer(std::move(response));
            });
        });
    }

    void next(Take take) override {
        if (first_ && !first_->empty()) return take(*std::exchange(first_, std::nullopt));
        first_.reset();
        if (at_end_) {
            whole_ = true;
            return take("");
        }
        read_page(std::move(take));
    }

  private:
    /// A page on another thread; its text, on this one. Nothing: it failed.
    void read_page(Take take) {
        const bool begun = desk_->run([self = shared_from_this(), take]() mutable {
            std::optional<EventSearch::Page> page;
            std::string piece;
            try {
                page = self->desk_->events().page(self->request_.query, self->request_.order, self->after_,
                                                  EventSearch::kPageMax,
                                                  monotonic_now_ns() + self->request_.timeout_ns);
                piece = self->text_of_page(*page);
            } catch (const std::exception&) {
                page.reset();
            }
            // This thread keeps nothing of it: the last to let go of a session must be the HTTP thread.
            ExportDesk& desk = *self->desk_;
            desk.post(
                [self = std::move(self), take = std::move(take), page = std::move(page),
                 piece = std::move(piece)]() mutable { self->take_page(page, std::move(piece), take); });
        });
        if (!begun) take(std::nullopt);
    }

    void take_page(const std::optional<EventSearch::Page>& page, std::string piece, const Take& take) {
        if (!page) return take(std::nullopt);
        missing_ = page->missing;
        if (page->partial() && !request_.takes_partial) return take(std::nullopt);
        rows_ += page->events.size();
        after_ = page->next;
        at_end_ = !page->next;
        begun_ = true;
        if (piece.empty()) return next(take);
        take(std::move(piece));
    }

    std::string text_of_page(const EventSearch::Page& page) const {
        std::string out;
        if (request_.csv) {
            if (!begun_) out = csv_header();
            for (const FoundEvent& event : page.events) append_csv_row(out, event);
            return out;
        }
        for (const FoundEvent& event : page.events) {
            JsonWriter json;
            write_found_event(json, event);
            out += json.take() + "\n";
        }
        return out;
    }

    std::string text_of_record(std::string_view phase) const {
        JsonWriter json;
        json.begin_object().field("by", request_.by).field("peer", request_.peer).field("phase", phase);
        json.field("filter", request_.filter).field("format", request_.csv ? "csv" : "ndjson");
        json.field_if("region", request_.region);
        if (phase == "end") json.field("rows", rows_).field("whole", whole_);
        return json.end_object().take();
    }

    Response refusal() const {
        std::string who;
        for (const EventSearch::Missing& missing : missing_)
            who += fmt::format("{}{}: {}", who.empty() ? "" : "; ",
                               missing.region.empty() ? "the hot log" : missing.region, missing.why);
        return problem(503, "partial", "An export would not be whole",
                       fmt::format("{}; partial=true exports what there is",
                                   who.empty() ? "the events could not be read" : who))
            .header("Retry-After", "10");
    }

    const std::unique_ptr<ExportDesk> desk_;
    const ExportRequest request_;
    std::optional<EventPosition> after_;
    std::vector<EventSearch::Missing> missing_;
    std::optional<std::string> first_;  ///< the page that was read before the answer began
    uint64_t rows_ = 0;                 ///< handed to the socket
    bool begun_ = false, at_end_ = false, whole_ = false, on_record_ = false;
};

}  // namespace

void begin_export(std::unique_ptr<ExportDesk> desk, ExportRequest request, const Answer& answer) {
    std::make_shared<EventExport>(std::move(desk), std::move(request))->begin(answer);
}

}  // namespace penstock::http
