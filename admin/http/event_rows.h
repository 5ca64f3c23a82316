// Events that a query found, as JSON and as CSV.
#pragma once

#include <string>
#include <string_view>

#include "admin/http/text.h"
#include "storage/event_query.h"

namespace penstock::http {

/// {"seq","log","received","tenant","region","state","withheld","event":{CloudEvents JSON}}
void write_found_event(JsonWriter& json, const FoundEvent& event);

/// The names of the columns, as a row.
std::string_view csv_header();
/// RFC 4180. A cell that a spreadsheet would take for a formula gets an apostrophe in front.
void append_csv_row(std::string& to, const FoundEvent& event);
void append_csv_cell(std::string& to, std::string_view text);

}  // namespace penstock::http
