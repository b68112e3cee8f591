CREATE TABLE IF NOT EXISTS events (
    `seq` UInt64 COMMENT 'arrival sequence' CODEC(Delta, ZSTD(1)),
    `timestamp` DateTime64(3, 'UTC') COMMENT 'event time' CODEC(Delta, ZSTD(1)),
    `seen` DateTime64(3, 'UTC') COMMENT 'arrival time' CODEC(Delta, ZSTD(1)),
    `source` LowCardinality(String) COMMENT 'reserved: source',
    `service` LowCardinality(String) COMMENT 'reserved: service',
    `host` LowCardinality(String) COMMENT 'reserved: host',
    `status` LowCardinality(String) COMMENT 'reserved: status',
    `message` String COMMENT 'reserved: message' CODEC(ZSTD(1)),
    `tags` Array(LowCardinality(String)) COMMENT 'key:value or bare words',
    `attributes` JSON(max_dynamic_paths = 1024, `usr.id` Nullable(String), `usr.id%many` Array(String), `usr.name` Nullable(String), `usr.name%many` Array(String), `evt.name` LowCardinality(Nullable(String)), `evt.name%many` Array(String), `evt.outcome` LowCardinality(Nullable(String)), `evt.outcome%many` Array(String), `network.client.ip` Nullable(String), `network.client.ip%many` Array(String), `http.method` LowCardinality(Nullable(String)), `http.method%many` Array(String), `http.useragent` Nullable(String), `http.useragent%many` Array(String), `agent.rule_id` LowCardinality(Nullable(String)), `agent.rule_id%many` Array(String), `process.executable.path` Nullable(String), `process.executable.path%many` Array(String), `file.path` Nullable(String), `file.path%many` Array(String)) COMMENT 'leaves of the attributes, for search',
    `raw` String COMMENT 'attributes as canonical JSON, for display' CODEC(ZSTD(1)),
    `rest` Array(String) COMMENT 'leaves at paths that attributes does not hold, each as path=value' CODEC(ZSTD(1)),
    `original` String COMMENT 'the event as it came, where pipelines changed it; empty: the message says everything' CODEC(ZSTD(3)),
    INDEX by_seq seq TYPE minmax GRANULARITY 1,
    INDEX by_service service TYPE bloom_filter(0.01) GRANULARITY 1,
    INDEX by_host host TYPE bloom_filter(0.01) GRANULARITY 1,
    INDEX by_time timestamp TYPE minmax GRANULARITY 1,
    INDEX by_word lower(message) TYPE text(tokenizer = 'splitByNonAlpha'),
    INDEX by_usr_id attributes.`usr.id` TYPE bloom_filter(0.01) GRANULARITY 1,
    INDEX by_usr_id_many attributes.`usr.id%many` TYPE bloom_filter(0.01) GRANULARITY 1,
    INDEX by_usr_name attributes.`usr.name` TYPE bloom_filter(0.01) GRANULARITY 1,
    INDEX by_usr_name_many attributes.`usr.name%many` TYPE bloom_filter(0.01) GRANULARITY 1,
    INDEX by_evt_name attributes.`evt.name` TYPE bloom_filter(0.01) GRANULARITY 1,
    INDEX by_evt_name_many attributes.`evt.name%many` TYPE bloom_filter(0.01) GRANULARITY 1,
    INDEX by_evt_outcome attributes.`evt.outcome` TYPE bloom_filter(0.01) GRANULARITY 1,
    INDEX by_evt_outcome_many attributes.`evt.outcome%many` TYPE bloom_filter(0.01) GRANULARITY 1,
    INDEX by_network_client_ip attributes.`network.client.ip` TYPE bloom_filter(0.01) GRANULARITY 1,
    INDEX by_network_client_ip_many attributes.`network.client.ip%many` TYPE bloom_filter(0.01) GRANULARITY 1,
    INDEX by_http_method attributes.`http.method` TYPE bloom_filter(0.01) GRANULARITY 1,
    INDEX by_http_method_many attributes.`http.method%many` TYPE bloom_filter(0.01) GRANULARITY 1,
    INDEX by_http_useragent attributes.`http.useragent` TYPE bloom_filter(0.01) GRANULARITY 1,
    INDEX by_http_useragent_many attributes.`http.useragent%many` TYPE bloom_filter(0.01) GRANULARITY 1,
    INDEX by_agent_rule_id attributes.`agent.rule_id` TYPE bloom_filter(0.01) GRANULARITY 1,
    INDEX by_agent_rule_id_many attributes.`agent.rule_id%many` TYPE bloom_filter(0.01) GRANULARITY 1,
    INDEX by_process_executable_path attributes.`process.executable.path` TYPE bloom_filter(0.01) GRANULARITY 1,
    INDEX by_process_executable_path_many attributes.`process.executable.path%many` TYPE bloom_filter(0.01) GRANULARITY 1,
    INDEX by_file_path attributes.`file.path` TYPE bloom_filter(0.01) GRANULARITY 1,
    INDEX by_file_path_many attributes.`file.path%many` TYPE bloom_filter(0.01) GRANULARITY 1
) ENGINE = MergeTree
PARTITION BY toDate(seen)
ORDER BY (source, timestamp, seq)
SETTINGS non_replicated_deduplication_window = 1000, min_bytes_for_wide_part = 67108864, min_level_for_wide_part = 1, merge_max_dynamic_subcolumns_in_wide_part = 96, object_shared_data_buckets_for_wide_part = 4, string_serialization_version = 'single_stream', fsync_after_insert = 1, fsync_part_directory = 1
COMMENT 'one row per event';

CREATE TABLE IF NOT EXISTS attribute_shapes (
    `kind` LowCardinality(String) COMMENT 'path, through, overflow or beyond',
    `path` String COMMENT 'attribute path',
    `shapes` UInt16 COMMENT 'set of forms; those of all rows of a path count',
    `through` UInt64 COMMENT 'arrival sequence; the highest counts'
) ENGINE = ReplacingMergeTree(through)
ORDER BY (kind, path, shapes)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1
COMMENT 'the forms that the values of attributes have ever had';

CREATE TABLE IF NOT EXISTS matches (
    `key` UInt64 COMMENT 'hash of rule key and signal group',
    `rule_key` LowCardinality(String) COMMENT 'what the rule detects',
    `at` DateTime64(3, 'UTC') COMMENT 'event time' CODEC(Delta, ZSTD(1)),
    `seq` UInt64 COMMENT 'arrival sequence of the event' CODEC(Delta, ZSTD(1)),
    `label` UInt8 COMMENT 'index of the query',
    `group` Array(String) COMMENT 'group values, in the order of the group-by fields' CODEC(ZSTD(1)),
    `values` Array(String) COMMENT 'distinct tuples, where the query counts those' CODEC(ZSTD(1)),
    `number` Nullable(Float64) COMMENT 'metric value, where the query adds those' CODEC(ZSTD(1)),
    `tags` Array(LowCardinality(String)) COMMENT 'tags of the event'
) ENGINE = ReplacingMergeTree
PARTITION BY toYYYYMM(at)
ORDER BY (key, at, seq, label, group)
SETTINGS non_replicated_deduplication_window = 1000, fsync_after_insert = 1, fsync_part_directory = 1
COMMENT 'one row per event, rule query and group';

CREATE TABLE IF NOT EXISTS signals (
    `id` String COMMENT 'fixed when first published',
    `version` UInt64 COMMENT 'counts up with every change',
    `key` UInt64 COMMENT 'hash of rule key and group',
    `rule_key` LowCardinality(String) COMMENT 'what the rule detected',
    `rule_id` LowCardinality(String) COMMENT 'the rule',
    `rule_version` UInt32 COMMENT 'version of the rule that wrote this row',
    `case` Int16 COMMENT 'index of the case',
    `group` Array(String) COMMENT 'group values',
    `first_seen` DateTime64(3, 'UTC') COMMENT 'time of the first match',
    `last_seen` DateTime64(3, 'UTC') COMMENT 'time of the last match',
    `events` UInt64 COMMENT 'distinct matching events',
    `state` LowCardinality(String) COMMENT 'open, under_review, archived, or suppressed where a suppression withholds it',
    `reason` LowCardinality(String) COMMENT 'why: merged, retracted or suppressed by the engine, or as an analyst said',
    `suppression` LowCardinality(String) COMMENT 'id of the suppression that withholds it',
    `opened` UInt64 COMMENT 'arrival sequence of the event that opened it',
    `place` UInt64 COMMENT 'counts up with every version of any signal',
    `values` Array(String) COMMENT 'what it is about besides its group: new values, a journey' CODEC(ZSTD(1)),
    `per_query` Array(UInt64) COMMENT 'distinct matching events of each query',
    `silence` String COMMENT 'where something stayed away: since when, until when, as JSON; else empty' CODEC(ZSTD(1)),
    `environment` LowCardinality(String) COMMENT 'of the events that opened it: lesser (staging, test, dev) or other; empty in rows that older versions wrote',
    `event_tags` Array(LowCardinality(String)) COMMENT 'tags that all its events have',
    `samples` String COMMENT 'some of its events as JSON' CODEC(ZSTD(1)),
    `timestamp` DateTime64(3, 'UTC') COMMENT 'first_seen, under the name a search uses',
    `source` LowCardinality(String) COMMENT 'reserved: source',
    `service` LowCardinality(String) COMMENT 'reserved: service',
    `host` LowCardinality(String) COMMENT 'reserved: host',
    `status` LowCardinality(String) COMMENT 'reserved: severity',
    `message` String COMMENT 'reserved: message' CODEC(ZSTD(1)),
    `tags` Array(LowCardinality(String)) COMMENT 'tags of the rule and of its events',
    `attributes` JSON(max_dynamic_paths = 1024, `usr.id` Nullable(String), `usr.id%many` Array(String), `usr.name` Nullable(String), `usr.name%many` Array(String), `evt.name` LowCardinality(Nullable(String)), `evt.name%many` Array(String), `evt.outcome` LowCardinality(Nullable(String)), `evt.outcome%many` Array(String), `network.client.ip` Nullable(String), `network.client.ip%many` Array(String), `http.method` LowCardinality(Nullable(String)), `http.method%many` Array(String), `http.useragent` Nullable(String), `http.useragent%many` Array(String), `agent.rule_id` LowCardinality(Nullable(String)), `agent.rule_id%many` Array(String), `process.executable.path` Nullable(String), `process.executable.path%many` Array(String), `file.path` Nullable(String), `file.path%many` Array(String)) COMMENT 'leaves of the attributes, for search',
    `raw` String COMMENT 'attributes as canonical JSON, for display' CODEC(ZSTD(1)),
    `triage` String COMMENT 'what analysts made of it, as JSON; empty: nothing' CODEC(ZSTD(1)),
    `assignee` LowCardinality(String) COMMENT 'who it is assigned to',
    `triaged_by` LowCardinality(String) COMMENT 'who changed its state',
    `triaged_at` DateTime64(3, 'UTC') COMMENT 'and when; 1970: never',
    `triage_comment` String COMMENT 'and in which words' CODEC(ZSTD(1)),
    INDEX by_id id TYPE bloom_filter(0.001) GRANULARITY 1,
    INDEX by_time timestamp TYPE minmax GRANULARITY 1,
    INDEX by_place place TYPE minmax GRANULARITY 1
) ENGINE = ReplacingMergeTree(version)
ORDER BY (key, id)
SETTINGS non_replicated_deduplication_window = 1000, min_bytes_for_wide_part = 1073741824, fsync_after_insert = 1, fsync_part_directory = 1
COMMENT 'one row per version of a signal';

CREATE TABLE IF NOT EXISTS historical_signals (
    `id` String COMMENT 'fixed when first published',
    `version` UInt64 COMMENT 'counts up with every change',
    `key` UInt64 COMMENT 'hash of rule key and group',
    `rule_key` LowCardinality(String) COMMENT 'what the rule detected',
    `rule_id` LowCardinality(String) COMMENT 'the rule',
    `rule_version` UInt32 COMMENT 'version of the rule that wrote this row',
    `case` Int16 COMMENT 'index of the case',
    `group` Array(String) COMMENT 'group values',
    `first_seen` DateTime64(3, 'UTC') COMMENT 'time of the first match',
    `last_seen` DateTime64(3, 'UTC') COMMENT 'time of the last match',
    `events` UInt64 COMMENT 'distinct matching events',
    `state` LowCardinality(String) COMMENT 'open, under_review, archived, or suppressed where a suppression withholds it',
    `reason` LowCardinality(String) COMMENT 'why: merged, retracted or suppressed by the engine, or as an analyst said',
    `suppression` LowCardinality(String) COMMENT 'id of the suppression that withholds it',
    `opened` UInt64 COMMENT 'arrival sequence of the event that opened it',
    `place` UInt64 COMMENT 'counts up with every version of any signal',
    `values` Array(String) COMMENT 'what it is about besides its group: new values, a journey' CODEC(ZSTD(1)),
    `per_query` Array(UInt64) COMMENT 'distinct matching events of each query',
    `silence` String COMMENT 'where something stayed away: since when, until when, as JSON; else empty' CODEC(ZSTD(1)),
    `environment` LowCardinality(String) COMMENT 'of the events that opened it: lesser (staging, test, dev) or other; empty in rows that older versions wrote',
    `event_tags` Array(LowCardinality(String)) COMMENT 'tags that all its events have',
    `samples` String COMMENT 'some of its events as JSON' CODEC(ZSTD(1)),
    `timestamp` DateTime64(3, 'UTC') COMMENT 'first_seen, under the name a search uses',
    `source` LowCardinality(String) COMMENT 'reserved: source',
    `service` LowCardinality(String) COMMENT 'reserved: service',
    `host` LowCardinality(String) COMMENT 'reserved: host',
    `status` LowCardinality(String) COMMENT 'reserved: severity',
    `message` String COMMENT 'reserved: message' CODEC(ZSTD(1)),
    `tags` Array(LowCardinality(String)) COMMENT 'tags of the rule and of its events',
    `attributes` JSON(max_dynamic_paths = 1024, `usr.id` Nullable(String), `usr.id%many` Array(String), `usr.name` Nullable(String), `usr.name%many` Array(String), `evt.name` LowCardinality(Nullable(String)), `evt.name%many` Array(String), `evt.outcome` LowCardinality(Nullable(String)), `evt.outcome%many` Array(String), `network.client.ip` Nullable(String), `network.client.ip%many` Array(String), `http.method` LowCardinality(Nullable(String)), `http.method%many` Array(String), `http.useragent` Nullable(String), `http.useragent%many` Array(String), `agent.rule_id` LowCardinality(Nullable(String)), `agent.rule_id%many` Array(String), `process.executable.path` Nullable(String), `process.executable.path%many` Array(String), `file.path` Nullable(String), `file.path%many` Array(String)) COMMENT 'leaves of the attributes, for search',
    `raw` String COMMENT 'attributes as canonical JSON, for display' CODEC(ZSTD(1)),
    `triage` String COMMENT 'what analysts made of it, as JSON; empty: nothing' CODEC(ZSTD(1)),
    `assignee` LowCardinality(String) COMMENT 'who it is assigned to',
    `triaged_by` LowCardinality(String) COMMENT 'who changed its state',
    `triaged_at` DateTime64(3, 'UTC') COMMENT 'and when; 1970: never',
    `triage_comment` String COMMENT 'and in which words' CODEC(ZSTD(1)),
    INDEX by_id id TYPE bloom_filter(0.001) GRANULARITY 1,
    INDEX by_time timestamp TYPE minmax GRANULARITY 1,
    INDEX by_place place TYPE minmax GRANULARITY 1,
    INDEX by_rule_key rule_key TYPE bloom_filter(0.01) GRANULARITY 1
) ENGINE = ReplacingMergeTree(version)
ORDER BY (key, id)
SETTINGS non_replicated_deduplication_window = 1000, min_bytes_for_wide_part = 1073741824, fsync_after_insert = 1, fsync_part_directory = 1
COMMENT 'one row per version of a result of a historical job';

CREATE TABLE IF NOT EXISTS objects (
    `kind` LowCardinality(String) COMMENT 'rule, suppression, …',
    `id` String COMMENT 'id of the object',
    `version` UInt32 COMMENT '1, 2, 3, …',
    `written` DateTime64(3, 'UTC') COMMENT 'when',
    `deleted` Bool COMMENT 'true in the last version of a deleted object',
    `body` String COMMENT 'the object as JSON' CODEC(ZSTD(3))
) ENGINE = MergeTree
ORDER BY (kind, id, version)
SETTINGS non_replicated_deduplication_window = 1000, fsync_after_insert = 1, fsync_part_directory = 1
COMMENT 'one row per version of a rule or other configured object';

CREATE TABLE IF NOT EXISTS progress (
    `rule_key` String COMMENT 'what the rule detects',
    `through` UInt64 COMMENT 'every event up to this arrival is evaluated',
    `silence_from` DateTime64(3, 'UTC') COMMENT 'silence is judged after this moment',
    `silence_judged` DateTime64(3, 'UTC') COMMENT 'silence up to here has been told',
    `silence_horizon` DateTime64(3, 'UTC') COMMENT 'silence up to here may have been told',
    `at` DateTime64(3, 'UTC') COMMENT 'when'
) ENGINE = ReplacingMergeTree(through)
ORDER BY rule_key
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1
COMMENT 'how far each rule has been evaluated';

CREATE TABLE IF NOT EXISTS coverage (
    `rule_id` String COMMENT 'the rule',
    `rule_key` String COMMENT 'what the rule detects',
    `rule_version` UInt32 COMMENT 'version of the rule then',
    `state` LowCardinality(String) COMMENT 'failed, recovered, reopened, capped, missing, filled, lost, …',
    `after` UInt64 COMMENT 'arrivals after this one',
    `through` UInt64 COMMENT 'and through this one',
    `earliest` DateTime64(3, 'UTC') COMMENT 'event times: from here',
    `latest` DateTime64(3, 'UTC') COMMENT 'to here',
    `events` UInt64 COMMENT 'how many events it is about',
    `reason` String COMMENT 'in words' CODEC(ZSTD(1)),
    `at` DateTime64(3, 'UTC') COMMENT 'when it was noted'
) ENGINE = MergeTree
ORDER BY (rule_id, at, state, after)
SETTINGS non_replicated_deduplication_window = 1000, fsync_after_insert = 1, fsync_part_directory = 1
COMMENT 'what was not evaluated as a matter of course';

CREATE TABLE IF NOT EXISTS known_values (
    `rule_key` LowCardinality(String) COMMENT 'what the rule detects',
    `key` FixedString(16) COMMENT 'hash of query, group and value',
    `start` DateTime64(3, 'UTC') COMMENT 'first seen' CODEC(Delta, ZSTD(1)),
    `end` DateTime64(3, 'UTC') COMMENT 'last seen' CODEC(Delta, ZSTD(1)),
    `gone` Bool COMMENT 'the stretch with this start is no more',
    `version` UInt64 COMMENT 'counts up; the highest counts' CODEC(Delta, ZSTD(1))
) ENGINE = ReplacingMergeTree(version)
ORDER BY (rule_key, key, start)
SETTINGS non_replicated_deduplication_window = 1000, fsync_after_insert = 1, fsync_part_directory = 1
COMMENT 'the values that rules know, and from when to when';

CREATE TABLE IF NOT EXISTS known_groups (
    `rule_key` LowCardinality(String) COMMENT 'what the rule detects',
    `key` FixedString(16) COMMENT 'hash of query and group',
    `times` Array(Int64) COMMENT 'event times of the first events, in milliseconds',
    `seqs` Array(UInt64) COMMENT 'their arrival sequences',
    `version` UInt64 COMMENT 'counts up; the highest counts' CODEC(Delta, ZSTD(1))
) ENGINE = ReplacingMergeTree(version)
ORDER BY (rule_key, key)
SETTINGS non_replicated_deduplication_window = 1000, fsync_after_insert = 1, fsync_part_directory = 1
COMMENT 'the first events of the groups that rules know';

CREATE TABLE IF NOT EXISTS models (
    `rule_key` LowCardinality(String) COMMENT 'what the rule detects',
    `label` UInt8 COMMENT 'index of the query; 255: about all series of the rule',
    `group` Array(String) COMMENT 'group values' CODEC(ZSTD(1)),
    `through` DateTime64(3, 'UTC') COMMENT 'the buckets before this moment are learned',
    `state` String COMMENT 'the model, in the binary form of package anomaly' CODEC(ZSTD(1)),
    `version` UInt64 COMMENT 'counts up; the highest counts' CODEC(Delta, ZSTD(1))
) ENGINE = ReplacingMergeTree(version)
ORDER BY (rule_key, label, group)
SETTINGS non_replicated_deduplication_window = 1000, fsync_after_insert = 1, fsync_part_directory = 1
COMMENT 'what is usual, per series of an anomaly rule';

CREATE TABLE IF NOT EXISTS reference_rows (
    `table_id` LowCardinality(String) COMMENT 'id of the table, as in objects',
    `key` String COMMENT 'value of the primary key' CODEC(ZSTD(1)),
    `version` UInt32 COMMENT 'version of the table that made the change' CODEC(Delta, ZSTD(1)),
    `removed` Bool COMMENT 'the row is gone from then on',
    `values` Array(String) COMMENT 'values in the order of the fields; empty when removed' CODEC(ZSTD(1))
) ENGINE = MergeTree
ORDER BY (table_id, key, version)
SETTINGS non_replicated_deduplication_window = 1000, fsync_after_insert = 1, fsync_part_directory = 1
COMMENT 'one row per change of a row of a reference table';

CREATE TABLE IF NOT EXISTS reference_uploads (
    `upload` UInt64 COMMENT 'which reading',
    `key` String COMMENT 'value of the primary key' CODEC(ZSTD(1)),
    `line` UInt64 COMMENT 'number of the line; of one key the last counts' CODEC(Delta, ZSTD(1)),
    `values` Array(String) COMMENT 'values in the order of the fields' CODEC(ZSTD(1))
) ENGINE = MergeTree
PARTITION BY upload
ORDER BY (key, line)
SETTINGS non_replicated_deduplication_window = 1000, fsync_after_insert = 1, fsync_part_directory = 1
COMMENT 'one row per line of a file that is being read';

CREATE TABLE IF NOT EXISTS notifications (
    `id` String COMMENT 'hash of signal, target, kind and how often before',
    `version` UInt64 COMMENT 'counts up with every attempt',
    `target` LowCardinality(String) COMMENT 'the handle; empty: the place',
    `signal` String COMMENT 'the signal',
    `kind` LowCardinality(String) COMMENT 'opened, changed, archived, resolved or escalated',
    `state` LowCardinality(String) COMMENT 'waiting, sent, failed, muted or dropped',
    `digest` String COMMENT 'key under which several are told in one; empty: alone',
    `created` DateTime64(3, 'UTC') COMMENT 'when there was news',
    `due` DateTime64(3, 'UTC') COMMENT 'not told before',
    `attempts` UInt32 COMMENT 'deliveries that were tried',
    `tried` DateTime64(3, 'UTC') COMMENT 'when the last was; 1970: never',
    `answer` String COMMENT 'what came of it' CODEC(ZSTD(1)),
    `about` String COMMENT 'the signal then, as JSON; of the place its number' CODEC(ZSTD(1)),
    INDEX by_signal signal TYPE bloom_filter(0.01) GRANULARITY 1
) ENGINE = ReplacingMergeTree(version)
ORDER BY (target, id)
SETTINGS non_replicated_deduplication_window = 1000, fsync_after_insert = 1, fsync_part_directory = 1
COMMENT 'one row per version of something that a target is told';

CREATE TABLE IF NOT EXISTS audit (
    `seq` UInt64 COMMENT '1, 2, 3, …' CODEC(Delta, ZSTD(1)),
    `at` DateTime64(3, 'UTC') COMMENT 'when' CODEC(Delta, ZSTD(1)),
    `kind` LowCardinality(String) COMMENT 'change, sql, keys, deletion, response, sign-in or refusal',
    `action` LowCardinality(String) COMMENT 'the method that was called',
    `outcome` LowCardinality(String) COMMENT 'begun, done, failed or refused',
    `caller_id` LowCardinality(String) COMMENT 'id of the key or person',
    `caller` LowCardinality(String) COMMENT 'and their name',
    `role` LowCardinality(String) COMMENT 'and their role',
    `address` LowCardinality(String) COMMENT 'where the call came from',
    `request` String COMMENT 'joins the entries of one call',
    `object` String COMMENT 'what it was about' CODEC(ZSTD(1)),
    `detail` String COMMENT 'in words, or as SQL' CODEC(ZSTD(1)),
    `count` UInt64 COMMENT 'how many alike it stands for',
    `previous` String COMMENT 'hash of the row before' CODEC(ZSTD(1)),
    `hash` String COMMENT 'SHA-256 of everything else in the row' CODEC(ZSTD(1))
) ENGINE = MergeTree
ORDER BY seq
SETTINGS non_replicated_deduplication_window = 1000, fsync_after_insert = 1, fsync_part_directory = 1
COMMENT 'one row per entry of the audit log';

CREATE TABLE IF NOT EXISTS deleted_events (
    `seq` UInt64 COMMENT 'its arrival number' CODEC(Delta, ZSTD(1))
) ENGINE = ReplacingMergeTree
ORDER BY seq
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1
COMMENT 'one row per event that was deleted by a query';
