// A notification as a mail: RFC 5322, MIME, nothing of it able to add a header. Any thread.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "stages/notify/notification.h"

namespace penstock {

/// A plain address, name@domain, of printable ASCII: no display name, no quoting, nothing that could end a
/// line or an SMTP command.
bool is_mail_address(std::string_view text);

/// `text` as the value of a Subject: as it is where it is short ASCII, else in encoded words of RFC 2047, a
/// line each. Line breaks and other control characters become spaces; more than 300 bytes are cut.
std::string mail_subject(std::string_view text);

/// The whole message, lines ending with CRLF. The same notification makes the same message, so that a mail
/// system can recognise a repetition by its Message-ID. `from` and `to` are mail addresses.
std::string mail_message(const Notification& notification, const std::string& from,
                         const std::vector<std::string>& to);

}  // namespace penstock
