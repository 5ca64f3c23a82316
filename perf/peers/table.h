// The table that events are to arrive in: counted while they come, and read at the end.
#pragma once

#include <string>

#include "perf/support/id_digest.h"
#include "storage/postgres.h"

namespace penstock::bench {

class Table {
  public:
    /// `column`: the id, or the whole event as JSON.
    Table(const std::string& dsn, std::string name, std::string column);

    /// Looks ten times a second until there are so many rows. Throws where none come for a minute.
    void wait_for(uint64_t rows);
    IdDigest ids();
    void script(const std::string& sql) { connection_.script(sql); }

  private:
    const std::string name_, column_;
    StopSignal never_;
    PostgresConnection connection_;
};

}  // namespace penstock::bench
