// Five regional databases in one temporary cluster: enough for what a region is to the appliance.
#pragma once

#include <fmt/format.h>
#include <libpq-fe.h>

#include <array>
#include <memory>
#include <stdexcept>
#include <string>

#include "tests/support/postgres_cluster.h"

namespace penstock::test {

class FiveRegions {
  public:
    static constexpr std::array<const char*, 5> kNames{"us", "ca", "eu", "apac", "latam"};

    FiveRegions() {
        for (const char* name : kNames) cluster_.sql(fmt::format("CREATE DATABASE {} OWNER penstock", name));
    }
    PostgresCluster& cluster() { return cluster_; }

    std::string dsn(const std::string& region) const {
        std::string dsn = cluster_.dsn();
        return dsn.replace(dsn.find("dbname=penstock"), 15, "dbname=" + region);
    }
    /// [[region]] sections for the configuration.
    std::string config() const {
        std::string text;
        for (const char* name : kNames)
            text += fmt::format("[[region]]\nname = \"{}\"\ndsn = \"{}\"\n", name, dsn(name));
        return text;
    }
    int64_t number(const std::string& region, const std::string& statement) const {
        const std::unique_ptr<PGconn, void (*)(PGconn*)> connection(PQconnectdb(dsn(region).c_str()),
                                                                    PQfinish);
        const std::unique_ptr<PGresult, void (*)(PGresult*)> result(
            PQexec(connection.get(), statement.c_str()), PQclear);
        if (PQresultStatus(result.get()) != PGRES_TUPLES_OK) return -1;  // not migrated yet, or down
        return std::atoll(PQgetvalue(result.get(), 0, 0));
    }
    int64_t events(const std::string& region) const {
        return number(region, "SELECT count(*) FROM penstock.event");
    }
    int64_t events() const {
        int64_t sum = 0;
        for (const char* name : kNames) sum += std::max<int64_t>(events(name), 0);
        return sum;
    }
    /// Identities that are stored more than once, over all regions.
    int64_t twice() const {
        int64_t sum = 0;
        for (const char* name : kNames)
            sum += number(name,
                          "SELECT count(*) FROM (SELECT FROM penstock.event GROUP BY tenant, source, id "
                          "HAVING count(*) > 1) d");
        return sum;
    }

  private:
    PostgresCluster cluster_;
};

}  // namespace penstock::test
