// PostgreSQL clusters of regions below a folder, with the server's settings that penstock's local regions
// have (fsync on). They go with this object.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace penstock::bench {

/// A folder of its own among the temporary files, which servers of another user may enter. It goes with this
/// object.
class TemporaryFolder {
  public:
    TemporaryFolder();
    ~TemporaryFolder();
    TemporaryFolder(const TemporaryFolder&) = delete;
    TemporaryFolder& operator=(const TemporaryFolder&) = delete;
    const std::string& path() const { return path_; }

  private:
    std::string path_;
};

class RegionalCluster {
  public:
    /// They do not run yet. Throws where they cannot be made.
    explicit RegionalCluster(std::string folder, std::vector<std::string> regions = {"us"});
    ~RegionalCluster();
    RegionalCluster(const RegionalCluster&) = delete;
    RegionalCluster& operator=(const RegionalCluster&) = delete;

    static bool possible();
    /// Of the first region, or of the one that is named.
    const std::string& dsn() const { return dsns_.front(); }
    const std::string& dsn(std::string_view region) const;

    /// The servers run as long as this; they begin with the latest regional schema and nothing in it.
    class Running {
      public:
        explicit Running(const RegionalCluster& cluster);
        ~Running();
        Running(const Running&) = delete;
        Running& operator=(const Running&) = delete;

      private:
        const RegionalCluster& cluster_;
    };

  private:
    /// What clusters.sh says to it, about all regions.
    std::string call(std::string_view command) const;

    const std::string folder_;
    const std::vector<std::string> regions_;
    std::vector<std::string> dsns_;  ///< beside regions_
};

}  // namespace penstock::bench
