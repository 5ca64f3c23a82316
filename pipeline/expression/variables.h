// What an expression reads: implemented by whoever has the event.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "pipeline/expression/value.h"

namespace penstock {

/// One step of a path into a value: a member's name, or an element's place.
struct Step {
    std::string_view name;
    int64_t index = kNoIndex;

    static constexpr int64_t kNoIndex = -1;
    bool is_name() const { return index == kNoIndex; }
    bool operator==(const Step&) const = default;
};
using Path = std::span<const Step>;

/// Sees the elements of a list.
class ElementVisitor {
  public:
    /// False: that was enough.
    virtual bool element(Value value) = 0;

  protected:
    ~ElementVisitor() = default;
};

/// Read-only, and the same all through one evaluation: what is asked for again is the same again. Nothing
/// that was handed out may go before the evaluation ends. An error is a Value too: kNoSuchMember where the
/// way ends (a map without the name, a list without the element), kWrongType where a step leads into
/// something that is no container.
class Variables {
  public:
    virtual ~Variables() = default;

    /// The variable, or what lies at the path inside it: `data.order.lines[0]` is one call.
    virtual Value get(uint32_t variable, Path path) const = 0;

    /// Whether get() has something, as a bool, or an error: whether the map in which the last step's name
    /// would be has it. The map itself must be there.
    virtual Value has(uint32_t variable, Path path) const;

    /// The same inside a list or map which this handed out. The path has at least one step.
    virtual Value get_in(Value container, Path path) const;

    /// How many elements or members it has, as an int.
    virtual Value size_of(Value container) const;

    /// Shows the elements of a list in order; other calls come meanwhile, also of each(). Anything but an
    /// error says that it went well.
    virtual Value each(Value list, ElementVisitor& visitor) const;
};

}  // namespace penstock
