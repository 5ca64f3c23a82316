// A strict walk over a JSON value that hashes its content: the same for any order of members and any white
// space. simdjson's on-demand values are checked only where they are read, so everything is read.
#pragma once

#include <simdjson.h>

#include <algorithm>
#include <string_view>
#include <vector>

#include "schemas/identity.h"
#include "schemas/limits.h"

namespace penstock {

/// Throws simdjson::simdjson_error for what is not JSON, DepthError beyond limits::kJsonDepthMax,
/// NameTwiceError for an object that gives a name twice.
struct DepthError {};
struct NameTwiceError {};

class JsonWalk {
  public:
    explicit JsonWalk(const IdentityHasher& hasher) : hasher_(hasher) {}

    /// `value`: a simdjson ondemand value or document; consumed.
    template <typename Value>
    uint64_t hash(Value& value, int depth = 0) {
        using simdjson::ondemand::json_type;
        if (depth == 0) names_.clear();
        switch (value.type().value()) {
            case json_type::object: {
                if (depth == limits::kJsonDepthMax) throw DepthError{};
                uint64_t sum = kObject;
                const size_t first = names_.size();
                for (simdjson::simdjson_result<simdjson::ondemand::field> field : value.get_object()) {
                    const uint64_t name = hasher_.text(field.unescaped_key());
                    names_.push_back(name);
                    simdjson::ondemand::value inner = field.value();
                    sum += IdentityHasher::mix(name, hash(inner, depth + 1));  // a sum: order does not matter
                }
                check_names(first);
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
            case json_type::string:
                return IdentityHasher::mix(kString, hasher_.text(value.get_string()));
            case json_type::number: {
                // The token is not consumed: the iterator around it passes over what was not read.
                const std::string_view token = number_token(value.raw_json_token());
                return IdentityHasher::mix(kNumber, hasher_.text(token));
            }
            case json_type::boolean:
                return bool(value.get_bool()) ? kTrue : kFalse;
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
    static constexpr uint64_t kObject = 0x6f626a, kArray = 0x617272, kString = 0x737472, kNumber = 0x6e756d,
                              kTrue = 0x74727565, kFalse = 0x66616c73, kNull = 0x6e756c6c;
    /// Names are compared by their hash, which is keyed: nobody can aim at an equal one.
    void check_names(size_t first) {
        const auto begin = names_.begin() + static_cast<ptrdiff_t>(first);
        if (names_.end() - begin > 1) {
            std::sort(begin, names_.end());
            if (std::adjacent_find(begin, names_.end()) != names_.end()) throw NameTwiceError{};
        }
        names_.resize(first);
    }

    const IdentityHasher& hasher_;
    std::vector<uint64_t> names_;  ///< of the objects that the walk is inside of
};

}  // namespace penstock
