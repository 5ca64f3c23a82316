// Parts of rows: enumerations, texts, lists.
#pragma once

#include <string>
#include <type_traits>
#include <vector>

#include "pipeline/state_machine.h"

namespace penstock {

template <typename E>
void put(RowWriter& out, E value)
    requires std::is_enum_v<E>
{
    out.value(static_cast<uint8_t>(value));
}
template <typename E>
E get(RowReader& in) {
    return static_cast<E>(in.value<uint8_t>());
}
inline std::string text_of(RowReader& in) { return std::string(in.text()); }

template <typename T, typename Put>
void put_list(RowWriter& out, const std::vector<T>& list, Put put_one) {
    out.value(static_cast<uint32_t>(list.size()));
    for (const T& item : list) put_one(item);
}
template <typename T, typename Get>
void get_list(RowReader& in, std::vector<T>& list, Get get_one) {
    const auto size = in.value<uint32_t>();
    for (uint32_t i = 0; i < size && in.ok(); ++i) list.push_back(get_one());
}

}  // namespace penstock
