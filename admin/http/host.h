// What is of the host itself: the page, its health, its figures, the API's document.
#pragma once

#include "admin/http/counters.h"
#include "admin/http/deadletters.h"
#include "admin/http/gate.h"
#include "admin/http/message.h"
#include "admin/http/settings.h"
#include "admin/http/status.h"

namespace penstock::http {

inline constexpr std::string_view kAssetsPrefix = "/assets/";

/// The HTTP thread. All references outlive it.
class HostDoor {
  public:
    HostDoor(const Telemetry& telemetry, const Clock& clock, const Sampler& sampler,
             const DeadLetterDoor& letters, const Gate& gate, const Counters& counters,
             const std::vector<Setting>& settings)
        : telemetry_(telemetry),
          clock_(clock),
          sampler_(sampler),
          letters_(letters),
          gate_(gate),
          counters_(counters),
          settings_(settings) {}

    Response page(const Request& request) const;
    /// Any page of the console, which knows itself which there are.
    static Response console();
    static Response asset(const Request& request);
    Response openapi() const;
    Response healthz() const;
    Response readyz() const;
    Response metrics() const;
    Response status(const Request& request) const;
    Response config() const;

  private:
    const Telemetry& telemetry_;
    const Clock& clock_;
    const Sampler& sampler_;
    const DeadLetterDoor& letters_;
    const Gate& gate_;
    const Counters& counters_;
    const std::vector<Setting>& settings_;
};

}  // namespace penstock::http
