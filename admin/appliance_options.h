// What each part is told of the configuration.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "admin/config.h"
#include "pipeline/tls_identity.h"
#include "schemas/tenant.h"
#include "stages/enrich/enrich.h"
#include "stages/ingest/ingest.h"
#include "stages/parse/vocabulary.h"
#include "stages/route/route.h"
#include "stages/sla/engine.h"
#include "storage/event_log.h"

namespace penstock {

/// Any thread; nothing here lasts longer than what it is given.
std::vector<std::string> tenant_names(const Config& config);
/// Without regions, which come and go.
Vocabulary vocabulary_of(const Config& config);
Engine::Options engine_options(const Config& config);
EnrichStage::Options enrich_options(const Config& config);
RouteStage::Options route_options(const Config& config, const LogNames& names);
/// As ingest knows a tenant that is managed while it runs. One without a key lets nobody in.
Ingest::Tenant ingest_tenant(const Tenant& t);
Ingest::Options ingest_options(const Config& config, const EventLog& log, const TlsIdentity* tls);
/// Null: no TLS is wanted.
std::unique_ptr<TlsIdentity> tls_identity(const Config::Tls& tls);

}  // namespace penstock
