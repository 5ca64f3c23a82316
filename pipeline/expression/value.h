// A value of an expression: sixteen bytes that travel in registers. Strings, lists and maps are borrowed.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <type_traits>

#include "schemas/log_record.h"

namespace penstock {

/// Why an evaluation has no result. Each has a sentence, see text_of.
enum class EvaluationError : uint8_t {
    kNoSuchMember,    ///< a member, key or element that is not there
    kWrongType,       ///< an operator or function over values that it does not take
    kNotBool,         ///< && || ! ?: or a condition over something else
    kOverflow,        ///< beyond 64 bits
    kDivisionByZero,  ///< also the rest of it
    kBadText,         ///< a conversion of a text that does not hold such a value
    kListTooLong,     ///< a list with more elements than one evaluation goes through
    kTooMuchWork,     ///< nested lists or long strings, again and again
    kTooLarge,        ///< strings and lists made on the way need more room than there is
};
std::string_view text_of(EvaluationError error);

class Value {
  public:
    enum class Kind : uint8_t {
        kError,
        kNull,
        kBool,
        kInt,
        kDouble,
        kString,
        kTimestamp,
        kDuration,
        kList,
        kMap
    };

    /// An error; no evaluation returns it.
    constexpr Value() : Value(Kind::kError, int64_t{0}, kUnset) {}
    static constexpr Value error(EvaluationError e) {
        return Value(Kind::kError, int64_t{0}, static_cast<uint8_t>(e));
    }
    static constexpr Value null() { return Value(Kind::kNull, int64_t{0}); }
    static constexpr Value boolean(bool v) { return Value(Kind::kBool, int64_t{v}); }
    static constexpr Value integer(int64_t v) { return Value(Kind::kInt, v); }
    static constexpr Value real(double v) {
        Value out(Kind::kDouble, int64_t{0});
        out.double_ = v;
        return out;
    }
    /// UTF-8, at most 4 GiB.
    static constexpr Value string(std::string_view v) {
        return Value(Kind::kString, v.data(), static_cast<uint32_t>(v.size()));
    }
    static constexpr Value timestamp(StampNs v) { return Value(Kind::kTimestamp, v); }
    static constexpr Value duration(int64_t ns) { return Value(Kind::kDuration, ns); }
    /// Containers of whoever implements Variables: what they point to is the implementation's business.
    static constexpr Value list(const void* data, uint32_t size) { return Value(Kind::kList, data, size); }
    static constexpr Value map(const void* data, uint32_t size) { return Value(Kind::kMap, data, size); }
    /// A list that the evaluator reads by itself.
    static constexpr Value list(std::span<const Value> values) {
        return Value(Kind::kList, values.data(), static_cast<uint32_t>(values.size()), kPlain);
    }

    constexpr Kind kind() const { return kind_; }
    constexpr bool is_error() const { return kind_ == Kind::kError; }
    constexpr bool is_true() const { return kind_ == Kind::kBool && int_ != 0; }
    constexpr EvaluationError as_error() const { return static_cast<EvaluationError>(detail_); }
    constexpr bool as_bool() const { return int_ != 0; }
    constexpr int64_t as_int() const { return int_; }
    constexpr double as_double() const { return double_; }
    constexpr std::string_view as_string() const { return {static_cast<const char*>(data_), size_}; }
    constexpr StampNs as_timestamp() const { return int_; }
    constexpr int64_t as_duration_ns() const { return int_; }
    constexpr const void* data() const { return data_; }
    constexpr uint32_t size() const { return size_; }
    /// A list of Values rather than a container of Variables.
    constexpr bool is_plain_list() const { return kind_ == Kind::kList && detail_ == kPlain; }
    std::span<const Value> as_plain_list() const { return {static_cast<const Value*>(data_), size_}; }
    constexpr bool is_unset() const { return kind_ == Kind::kError && detail_ == kUnset; }

  private:
    static constexpr uint8_t kPlain = 1, kUnset = 0xff;

    constexpr Value(Kind kind, int64_t v, uint8_t detail = 0)
        : int_(v), size_(0), kind_(kind), detail_(detail) {}
    constexpr Value(Kind kind, const void* data, uint32_t size, uint8_t detail = 0)
        : data_(data), size_(size), kind_(kind), detail_(detail) {}

    union {
        int64_t int_;
        double double_;
        const void* data_;
    };
    uint32_t size_;
    Kind kind_;
    uint8_t detail_;
};
static_assert(sizeof(Value) == 16 && std::is_trivially_copyable_v<Value>);

}  // namespace penstock
