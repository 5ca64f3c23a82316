#!/usr/bin/env bash
# Compares designs of the regional events table: cost of COPY BINARY with its indexes in place (rows/s and
# server CPU), size, and lookups by key, time and type. Makes its own cluster in a temporary folder, with
# fsync on, and removes it. usage: regional_schema.sh [rows, default 2000000] [design...]
# Results as a table on stdout. docs/decisions/0010-regional-schema.md holds one run.
set -euo pipefail
rows=${1:-2000000}
shift || true
only=("$@")
batch=50000
batches=$((rows / batch))
here=$(cd "$(dirname "$0")/.." && pwd)
work=$(mktemp -d "${TMPDIR:-/tmp}/penstock-schema.XXXXXX")
chmod 755 "$work"
clusters=$here/deploy/regions/clusters.sh
trap '"$clusters" destroy "$work/c" one >&2 || true; rm -rf "$work"' EXIT
"$clusters" start "$work/c" one >&2
socket=$(sed -n 's/^host=\([^ ]*\).*/\1/p' <<<"$("$clusters" dsn "$work/c" one)")
sql() { psql -XAtq -v ON_ERROR_STOP=1 -h "$socket" -p 5432 -U postgres -d penstock "$@"; }
mkdir "$work/in" && chmod 777 "$work/in"

# Rows as the flusher makes them: 190 bytes of JSON data, a random subject out of a million, five types of
# which one is rare, time within a minute of receipt.
columns="log, seq, received, time, tenant, source, id, type, subject, severity, data, attributes"
printf 'making %d rows\n' "$rows" >&2
sql <<SQL
SELECT setseed(0.5);
CREATE FUNCTION rows_of(b bigint, cast_to text) RETURNS void LANGUAGE plpgsql AS \$\$
BEGIN
  EXECUTE format(\$q\$COPY (
    SELECT 1::int, s::bigint, t, t - random() * interval '60 s', 'default', '/site/' || (random() * 50)::int,
      md5(s::text), CASE WHEN random() < 0.0001 THEN 'rare_detection'
           ELSE (ARRAY['motion_detection','object_detection','face_detection','intrusion_detection'])[1 + (random() * 3)::int] END,
      'cam-' || (random() * 1e6)::int, (1 + random() * 4)::smallint,
      ('{"location":"parking_lot","device":"dev-' || (random() * 1e4)::int || '","camera":"cam-' || (random() * 1e6)::int ||
       '","frame":"f-' || s || '","confidence":' || round(random()::numeric, 4) || ',"box":[' || (random() * 1900)::int || ',' ||
       (random() * 1000)::int || ',' || (random() * 100)::int || ',' || (random() * 100)::int || '],"zone":"north-' || (random() * 9)::int || '"}')::%s,
      NULL::%s
    FROM (SELECT s, '2026-01-31 00:00:00Z'::timestamptz + s * interval '1 ms' AS t
          FROM generate_series(%s, %s) s) x) TO '$work/in/%s.%s' (FORMAT binary)\$q\$,
    cast_to, cast_to, b * $batch + 1, (b + 1) * $batch, cast_to, b);
END \$\$;
SQL
for ((b = 0; b < batches; ++b)); do echo "SELECT rows_of($b, 'text'); SELECT rows_of($b, 'jsonb');"; done | sql >/dev/null

cpu_of() { awk '{print ($14 + $15) * 10}' "/proc/$1/stat"; }  # milliseconds
table() {  # json type, ddl after it
    cat <<SQL
DROP TABLE IF EXISTS e CASCADE;
DROP TABLE IF EXISTS ledger;
CREATE TABLE ledger (log int PRIMARY KEY, seq bigint) WITH (fillfactor = 10);
INSERT INTO ledger VALUES (1, 0);
CREATE TABLE e (seq bigint NOT NULL, received timestamptz NOT NULL, time timestamptz NOT NULL, log int NOT NULL,
  severity smallint, tenant text NOT NULL, source text NOT NULL, id text NOT NULL, type text NOT NULL,
  subject text, data $1, attributes $1) PARTITION BY RANGE (received);
CREATE TABLE e_day PARTITION OF e FOR VALUES FROM ('2026-01-31Z') TO ('2026-02-01Z');
CREATE TABLE e_next PARTITION OF e FOR VALUES FROM ('2026-02-01Z') TO ('2026-02-02Z');
$2
CHECKPOINT;
SQL
}
# What the view penstock.events adds: always true, and perfectly correlated with the rows' order, which is what
# the planner estimates a block-range index by. Without it the choice between index and table scan is luck.
bound="received > '-infinity'"
# One session, one transaction a batch; the time is the session's own, the CPU the server process's.
load() {  # target relation, statement after each 20 batches, type of data
    local form=text
    [ "${3:-}" != jsonb ] || form=jsonb
    { echo "SELECT pg_backend_pid() AS pid \\gset"
      echo "\\setenv PID :pid"
      echo "\\! awk '{print (\$14 + \$15) * 10}' /proc/\$PID/stat > $work/cpu0; date +%s%N > $work/t0"
      for ((b = 0; b < batches; ++b)); do
          echo "BEGIN; COPY $1 ($columns) FROM '$work/in/$form.$b' (FORMAT binary); UPDATE ledger SET seq = seq + $batch WHERE log = 1 AND seq = $b * $batch; COMMIT;"
          if [ -n "${2:-}" ] && (((b + 1) % 20 == 0 || b + 1 == batches)); then echo "$2"; fi
      done
      echo "\\! awk '{print (\$14 + \$15) * 10}' /proc/\$PID/stat > $work/cpu1; date +%s%N > $work/t1"
    } | sql >/dev/null
}
milliseconds() {  # of a query: median of 5, warm
    for _ in 1 2 3 4 5; do sql -c '\timing on' -c "$1" | sed -n 's/^Time: \([0-9.]*\) ms.*/\1/p'; done | sort -n | sed -n 3p
}
printf '| design | rows/s | server CPU, µs a row | heap MB | indexes MB | key, ms | time range, ms | rare type, ms |\n|---|---|---|---|---|---|---|---|\n'
measure() {  # name, json type, ddl, target, maintenance
    if [ ${#only[@]} -gt 0 ] && [[ " ${only[*]} " != *" ${1%% *} "* ]]; then return; fi
    table "$2" "$3" | sql >/dev/null
    load "$4" "${5:-}" "$2"
    local ns cpu
    ns=$(($(cat "$work/t1") - $(cat "$work/t0")))
    cpu=$(($(cat "$work/cpu1") - $(cat "$work/cpu0")))
    [ "$(sql -c 'SELECT count(*) FROM e')" = $((batches * batch)) ] || { echo "rows are missing" >&2; exit 1; }
    sql -c 'VACUUM (FREEZE, ANALYZE, INDEX_CLEANUP OFF) e_day' >/dev/null
    local subject
    subject=$(sql -c "SELECT subject FROM e_day LIMIT 1 OFFSET $((rows / 3))")
    printf '| %s | %dK | %.2f | %s | %s | %s | %s | %s |\n' "$1" $((batches * batch * 1000000 / (ns / 1000) / 1000)) \
        "$(awk -v c=$cpu -v n=$((batches * batch)) 'BEGIN {print c * 1000 / n}')" \
        "$(sql -c "SELECT pg_relation_size('e_day') >> 20")" "$(sql -c "SELECT pg_indexes_size('e_day') >> 20")" \
        "$(milliseconds "SELECT count(*), min(seq) FROM e WHERE $bound AND tenant = 'default' AND subject = '$subject'")" \
        "$(milliseconds "SELECT count(*), min(seq) FROM e WHERE $bound AND time >= '2026-01-31 00:02:00Z' AND time < '2026-01-31 00:02:01Z'")" \
        "$(milliseconds "SELECT count(*), min(seq) FROM e WHERE $bound AND type = 'rare_detection'")"
}
summarize="SELECT brin_summarize_new_values('e_b');"
brin() {  # pages a range, columns
    echo "CREATE INDEX e_b ON e_day USING brin ($2) WITH (pages_per_range = $1);"
}
bloom="received, time timestamptz_minmax_multi_ops, subject text_bloom_ops, type text_bloom_ops"
bloom5="received, time timestamptz_minmax_multi_ops, subject text_bloom_ops(false_positive_rate = 0.002, n_distinct_per_range = 1000), type text_bloom_ops(n_distinct_per_range = 50)"
# Once unmeasured: the first load also makes the WAL segments that later ones recycle.
table text "" | sql >/dev/null; load e_day
measure "none-day no index, COPY into the day's partition, data text" text "" e_day
measure "none-parent no index, COPY through the parent, data text" text "" e
measure "none-jsonb no index, data jsonb" jsonb "" e
measure "none-json no index, data json" json "" e_day
measure "btree-key btree(subject)" text "CREATE INDEX ON e_day (subject);" e_day
measure "btree-3 btree(tenant, subject, time), btree(time), btree(type, time)" text \
    "CREATE INDEX ON e_day (tenant, subject, time); CREATE INDEX ON e_day (time); CREATE INDEX ON e_day (type, time);" e_day
measure "btree-brin btree(subject), BRIN(received, time, type)" text \
    "CREATE INDEX ON e_day (subject); $(brin 32 'received, time timestamptz_minmax_multi_ops, type text_bloom_ops')" e_day "$summarize"
measure "hash-brin hash(subject), BRIN(received, time, type)" text \
    "CREATE INDEX ON e_day USING hash (subject); $(brin 32 'received, time timestamptz_minmax_multi_ops, type text_bloom_ops')" e_day "$summarize"
measure "brin-32 BRIN(received, time, bloom subject, bloom type), 32 pages a range" text "$(brin 32 "$bloom")" e_day "$summarize"
measure "brin-32n the same, sized: 1000 distinct, 0.2% false" text "$(brin 32 "$bloom5")" e_day "$summarize"
measure "brin-64n the same, 64 pages" text "$(brin 64 "${bloom5/1000/2000}")" e_day "$summarize"
measure "brin-json brin-32n with data json" json "$(brin 32 "$bloom5")" e_day "$summarize"
bound=true
measure "brin-unbound brin-json, lookups without the view" json "$(brin 32 "$bloom5")" e "$summarize"
bound="received > '-infinity'"
measure "brin-parent brin-32n, COPY through the parent" text "$(brin 32 "$bloom5")" e "$summarize"
