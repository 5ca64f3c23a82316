// A strict walk over a JSON value that hashes its content: the same for any order of members and any white
// space. simdjson's on-demand values are checked only where they are read, so everything is read.
#pragma once

#include <simdjson.h>

#include <string_view>

#include "schemas/limits.h"
#include "schemas/identity.h"

namespace penstock {

/// Throws simdjson::simdjson_error for what is not JSON, DepthError beyond limits::kJsonDepthMax.
struct DepthError {};

class JsonWalk {
  public:
    explicit JsonWalk(const IdentityHasher& hasher) : hasher_(hasher) {}

    /// `value`: a simdjson ondemand value or document; consumed.
    template <typename Value>
    uint64_t hash(Value& value, int depth = 0) {
        using simdjson::ondemand::json_type;
        switch (value.type().value()) {
            case json_type::object: {
                if (depth == limits::kJsonDepthMax) throw DepthError{};
                uint64_t sum = kObject;
                for (simdjson::simdjson_result<simdjson::ondemand::field> field : value.get_object()) {
                    const uint64_t name = hasher_.text(field.unescaped_key());
                    simdjson::ondemand::value inner = field.value();
                    sum += IdentityHasher::mix(name, hash(inner, depth + 1));  // a sum: order does not matter
                }
                return sum;
            }
            case json_type::array: {
                if (depth == limits::kJsonDepthMax) throw DepthError{};
                uint64_t h = kArray;
                for (simdjson::simdjson_result<simdjson::ondemand::value> element : value.get_array()) {
                    simdjson::ondemand::value inner = element.value();
                    h = IdentityHasher::mix(h, hash(inner, depth + 1));
                }
                return h;
            }
            case json_type::string: return IdentityHasher::mix(kString, hasher_.text(value.get_string()));
            case json_type::number: {
                // The token is not consumed: the iterator around it passes over what was not read.
                const std::string_view token = number_token(value.raw_json_token());
                return IdentityHasher::mix(kNumber, hasher_.text(token));
            }
            case json_type::boolean: return bool(value.get_bool()) ? kTrue : kFalse;
            case json_type::null:
                if (!value.is_null()) throw simdjson::simdjson_error(simdjson::N_ATOM_ERROR);
                return kNull;
        }
        throw simdjson::simdjson_error(simdjson::TAPE_ERROR);
    }

    /// The number at the start of `token`, checked against the grammar: JSON's numbers have no bound, so
    /// they are not converted.
    static std::string_view number_token(simdjson::simdjson_result<std::string_view> token_or) {
        return number_token(std::string_view(token_or.value()));
    }
    static std::string_view number_token(std::string_view token);

  private:
    static constexpr uint64_t kObject = 0x6f626a, kArray = 0x617272, kString = 0x737472, kNumber = 0x6e756d, kTrue = 0x74727565,
                              kFalse = 0x66616c73, kNull = 0x6e756c6c;
    const IdentityHasher& hasher_;
};

}  // namespace penstock
