// The end of a torture run: what is in the regions, in the log and in the counts, against what was sent.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "tests/fault/torture/producer.h"
#include "tests/support/appliance_process.h"
#include "tests/support/postgres_cluster.h"

namespace penstock::test::torture {

struct Totals {
    uint64_t events = 0, refused = 0;
    uint64_t missing = 0, twice = 0, strange = 0;
    uint64_t dead_letters_looked_for = 0;
    std::vector<uint64_t> by_region;  ///< events that must be there
};

/// What must be in the regions, by the producers' streams.
Totals expected(const std::vector<std::unique_ptr<Producer>>& producers);
/// Every event of the streams is in its region exactly once; tells field what is not.
void check_regions(const std::vector<std::unique_ptr<Producer>>& producers,
                   const std::vector<PostgresCluster*>& clusters, Field& field, Totals& totals);
/// Every refused event whose record retention has left is a dead letter. The appliance has stopped.
void check_dead_letters(const std::vector<std::unique_ptr<Producer>>& producers, const std::string& data_dir,
                        Field& field, Totals& totals);
/// Live counts of deadlines equal those of a simulation over the same events (missed and pending together:
/// the simulation's clock ends with the last event).
void check_deadlines(const std::vector<std::unique_ptr<Producer>>& producers,
                     const ApplianceProcess& appliance, const std::string& workflow_file, Field& field);

}  // namespace penstock::test::torture
