// A PostgreSQL cluster of the region `us` below a folder, with the server's settings that penstock's local
// regions have (fsync on). It goes with this object.
#pragma once

#include <string>

namespace penstock::bench {

class RegionalCluster {
  public:
    /// Throws where it cannot be made.
    explicit RegionalCluster(std::string folder);
    ~RegionalCluster();
    RegionalCluster(const RegionalCluster&) = delete;
    RegionalCluster& operator=(const RegionalCluster&) = delete;

    static bool possible();
    const std::string& dsn() const { return dsn_; }

    /// The server runs as long as this; it begins with the latest regional schema and nothing in it.
    class Running {
      public:
        explicit Running(const RegionalCluster& cluster);
        ~Running();
        Running(const Running&) = delete;
        Running& operator=(const Running&) = delete;

      private:
        const std::string& folder_;
    };

  private:
    const std::string folder_;
    std::string dsn_;
};

}  // namespace penstock::bench
