# Flush of a log into a region against bare COPY of the same rows.
add_executable(bench_flush ${CMAKE_CURRENT_LIST_DIR}/flush_vs_copy.cpp)
target_link_libraries(bench_flush PRIVATE penstock_storage)
target_compile_definitions(bench_flush PRIVATE PENSTOCK_CLUSTERS="${CMAKE_CURRENT_LIST_DIR}/../deploy/regions/clusters.sh")

# Queries over five regions.
add_executable(bench_queries ${CMAKE_CURRENT_LIST_DIR}/queries.cpp)
target_link_libraries(bench_queries PRIVATE penstock_storage)
target_compile_definitions(bench_queries PRIVATE PENSTOCK_CLUSTERS="${CMAKE_CURRENT_LIST_DIR}/../deploy/regions/clusters.sh")
