// The table that events are to arrive in: counted while they come, and read at the end.
#pragma once

#include <string>

#include "perf/support/id_digest.h"
#include "storage/postgres.h"

namespace penstock::bench {

class Table {
  public:
    /// `column`: the id, or the whole event as JSON.
    /// `stored_sql`: tells how many rows are committed without looking at them; empty: they are
    /// counted whenever the table does not grow.
    Table(const std::string& dsn, std::string name, std::string column, std::string stored_sql = "");

    /// Looks ten times a second until there are so many rows. Throws where none come for a minute.
    void wait_for(uint64_t rows);
    /// `order_by`: a column; empty: as the server gives them.
    IdDigest ids(const std::string& order_by = "");
    void script(const std::string& sql) { connection_.script(sql); }

  private:
    uint64_t stored();

    const std::string name_, column_, stored_sql_;
    StopSignal never_;
    PostgresConnection connection_;
    int64_t bytes_ = 0;  ///< of the table, at the last look
    uint64_t counted_ = 0;
};

}  // namespace penstock::bench
