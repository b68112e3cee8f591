package clickhouse

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/xml"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"text/template"
)

// Role is one of the users of an embedded server that people log in as.
type Role string

const (
	// Admin may do everything. It is the engine's own user.
	Admin Role = "nightjar"
	// Analyst runs SQL that a person typed: it reads the tables it was granted,
	// changes nothing, and cannot lift its limits.
	Analyst Role = "analyst"
	// Person runs the searches that the engine makes for people: it reads the
	// engine's tables, and changes nothing but the settings of its statements.
	Person Role = "person"
)

var roles = []Role{Admin, Analyst, Person}

// newPasswords makes the passwords of one start. They live in this process
// only: the configuration carries their hashes, which tell nothing about 256
// random bits.
func newPasswords() map[Role]string {
	passwords := map[Role]string{}
	for _, role := range roles {
		var secret [32]byte
		rand.Read(secret[:])
		passwords[role] = hex.EncodeToString(secret[:])
	}
	return passwords
}

// layout is where an embedded server keeps its things below the data folder.
type layout struct{ root string }

func (l layout) config() string  { return filepath.Join(l.root, "config.xml") }
func (l layout) users() string   { return filepath.Join(l.root, "users.xml") }
func (l layout) lock() string    { return filepath.Join(l.root, "lock") }
func (l layout) data() string    { return filepath.Join(l.root, "data") }
func (l layout) status() string  { return filepath.Join(l.root, "data", "status") } // which the server locks
func (l layout) backups() string { return filepath.Join(l.root, "backups") }
func (l layout) logs() string    { return filepath.Join(l.root, "log") }
func (l layout) log() string     { return filepath.Join(l.root, "log", "server.log") }
func (l layout) console() string { return filepath.Join(l.root, "log", "console.log") }

// BackupsFolder is where the BACKUP TO File of the server on a data folder
// arrives, and where its RESTORE FROM File reads.
func BackupsFolder(dataDir string) string {
	return layout{filepath.Join(dataDir, "clickhouse")}.backups()
}

func (l layout) create() error {
	for _, dir := range []string{l.root, l.data(), l.logs(), l.backups()} {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return err
		}
	}
	return nil
}

// writeConfig writes the two configuration files of the server.
func writeConfig(at layout, cfg EmbeddedConfig, port int, passwords map[Role]string) error {
	hash := func(r Role) string {
		sum := sha256.Sum256([]byte(passwords[r]))
		return hex.EncodeToString(sum[:])
	}
	values := map[string]any{
		"Log":          at.log(),
		"Data":         at.data() + "/",
		"Backups":      at.backups() + "/",
		"Users":        at.users(),
		"Port":         port,
		"MemoryRatio":  cfg.MemoryRatio,
		"AdminHash":    hash(Admin),
		"AnalystHash":  hash(Analyst),
		"AnalystReads": cfg.AnalystTables,
		"AnalystTypes": analystTypes,
		"PersonHash":   hash(Person),
		"PersonReads":  cfg.PersonTables,
		"Limits":       cfg.AnalystLimits,
		"PeopleMemory": peopleMemory(cfg.MemoryRatio),
		"Threads":      threadsOfAPerson(),
		"Priority":     peoplePriority,
		"Workload":     peopleWorkload,
	}
	for path, text := range map[string]*template.Template{at.config(): serverXML, at.users(): usersXML} {
		var out bytes.Buffer
		if err := text.Execute(&out, values); err != nil {
			return err
		}
		if err := os.WriteFile(path, out.Bytes(), 0o600); err != nil {
			return err
		}
	}
	return nil
}

// peopleMemory is what all statements of analysts together may take, and as much
// again all those that the engine makes for people: a quarter of the server's each,
// so that half is left for detection.
func peopleMemory(ratio float64) int64 {
	const least = 512 << 20
	return max(least, int64(float64(machineMemory())*ratio/4))
}

var xmlFuncs = template.FuncMap{"text": func(v any) (string, error) {
	var out strings.Builder
	err := xml.EscapeText(&out, fmt.Append(nil, v))
	return out.String(), err
}}

// serverXML sizes the server for a machine it shares with the engine: caches
// are a fraction of the defaults, which suppose a machine of its own. The log
// tables (query_log and its kin) grow without end, and are not configured, so
// they do not exist. A pool of 4 threads runs 8 merges at once; MergeTree
// supposes 32, and would never let a large merge begin, so it is told.
var serverXML = template.Must(template.New("config.xml").Funcs(xmlFuncs).Parse(`<clickhouse>
  <logger>
    <log>{{text .Log}}</log>
    <size>8M</size>
    <count>2</count>
  </logger>
  <path>{{text .Data}}</path>
  <tmp_path>{{text .Data}}tmp/</tmp_path>
  <user_files_path>{{text .Data}}user_files/</user_files_path>
  <users_config>{{text .Users}}</users_config>
  <backups><allowed_path>{{text .Backups}}</allowed_path></backups>
  <listen_host>127.0.0.1</listen_host>
  <tcp_port>{{.Port}}</tcp_port>
  <timezone>UTC</timezone>
  <send_crash_reports><enabled>false</enabled></send_crash_reports>
  <max_server_memory_usage_to_ram_ratio>{{.MemoryRatio}}</max_server_memory_usage_to_ram_ratio>
  <mark_cache_size>268435456</mark_cache_size>
  <primary_index_cache_size>134217728</primary_index_cache_size>
  <index_mark_cache_size>67108864</index_mark_cache_size>
  <uncompressed_cache_size>0</uncompressed_cache_size>
  <mmap_cache_size>256</mmap_cache_size>
  <background_pool_size>4</background_pool_size>
  <background_schedule_pool_size>16</background_schedule_pool_size>
  <merge_tree>
    <number_of_free_entries_in_pool_to_lower_max_size_of_merge>4</number_of_free_entries_in_pool_to_lower_max_size_of_merge>
    <number_of_free_entries_in_pool_to_execute_mutation>4</number_of_free_entries_in_pool_to_execute_mutation>
    <number_of_free_entries_in_pool_to_execute_optimize_entire_partition>4</number_of_free_entries_in_pool_to_execute_optimize_entire_partition>
  </merge_tree>
  <workload_path>{{text .Data}}workload/</workload_path>
  <max_concurrent_queries>200</max_concurrent_queries>
  <max_connections>512</max_connections>
</clickhouse>
`))

// usersXML has four users. The default one is the server's own session, which
// must log in without a password; it is granted what its start-up line needs
// and nothing else.
//
// Every limit of the analyst has a minimum as well as a maximum, because 0
// means "no limit" and would pass a maximum alone.
var usersXML = template.Must(template.New("users.xml").Funcs(xmlFuncs).Parse(`<clickhouse>
  <profiles>
    <default>
      <log_queries>0</log_queries>
      <query_profiler_real_time_period_ns>0</query_profiler_real_time_period_ns>
      <query_profiler_cpu_time_period_ns>0</query_profiler_cpu_time_period_ns>
      <allow_introspection_functions>0</allow_introspection_functions>
    </default>
    <analyst>
      <profile>default</profile>
      <readonly>1</readonly>
      <use_skip_indexes_on_data_read>0</use_skip_indexes_on_data_read>
      <max_memory_usage_for_user>{{.PeopleMemory}}</max_memory_usage_for_user>
      <max_threads>{{.Threads}}</max_threads>
      <priority>{{.Priority}}</priority>
      <workload>{{.Workload}}</workload>
{{- range .AnalystTypes}}
      <{{.}}>1</{{.}}>
{{- end}}
{{- range .Limits.Settings}}
      <{{.Name}}>{{.Max}}</{{.Name}}>
{{- end}}
      <result_overflow_mode>throw</result_overflow_mode>
      <timeout_overflow_mode>throw</timeout_overflow_mode>
      <read_overflow_mode>throw</read_overflow_mode>
      <constraints>
{{- range .Limits.Settings}}
        <{{.Name}}><min>1</min><max>{{.Max}}</max><changeable_in_readonly/></{{.Name}}>
{{- end}}
      </constraints>
    </analyst>
    <person>
      <profile>default</profile>
      <readonly>2</readonly>
      <max_memory_usage_for_user>{{.PeopleMemory}}</max_memory_usage_for_user>
      <constraints>
        <max_memory_usage_for_user><const/></max_memory_usage_for_user>
      </constraints>
    </person>
  </profiles>
  <quotas><default/></quotas>
  <users>
    <default>
      <password/>
      <profile>default</profile>
      <quota>default</quota>
      <grants>
        <query>GRANT SYSTEM LISTEN ON *.*</query>
        <query>GRANT CREATE ARBITRARY TEMPORARY TABLE ON *.*</query>
        <query>GRANT TABLE ENGINE ON File</query>
      </grants>
    </default>
    <nightjar>
      <password_sha256_hex>{{.AdminHash}}</password_sha256_hex>
      <networks><ip>127.0.0.1</ip></networks>
      <profile>default</profile>
      <quota>default</quota>
      <access_management>1</access_management>
      <named_collection_control>1</named_collection_control>
    </nightjar>
    <analyst>
      <password_sha256_hex>{{.AnalystHash}}</password_sha256_hex>
      <networks><ip>127.0.0.1</ip></networks>
      <profile>analyst</profile>
      <quota>default</quota>
      <grants>
        <query>REVOKE ALL ON *.*</query>
{{- range .AnalystReads}}
        <query>GRANT SELECT ON {{text .}}</query>
{{- end}}
      </grants>
    </analyst>
    <person>
      <password_sha256_hex>{{.PersonHash}}</password_sha256_hex>
      <networks><ip>127.0.0.1</ip></networks>
      <profile>person</profile>
      <quota>default</quota>
      <grants>
        <query>REVOKE ALL ON *.*</query>
{{- range .PersonReads}}
        <query>GRANT SELECT ON {{text .}}</query>
{{- end}}
      </grants>
    </person>
  </users>
</clickhouse>
`))

// Limits is how much one ad hoc query may take. A query may ask for less in its
// SETTINGS, never for more and never for "no limit".
type Limits struct {
	Seconds     int   // of execution
	MemoryBytes int64 // of memory
	RowsToRead  int64
	ResultRows  int64
	ResultBytes int64
}

// DefaultLimits are those of the analyst where the configuration has no others.
var DefaultLimits = Limits{
	Seconds:     30,
	MemoryBytes: 2 << 30,
	RowsToRead:  1_000_000_000,
	ResultRows:  1_000_000,
	ResultBytes: 256 << 20,
}

// memory is what one query may take, in bytes.
func (l Limits) memory() int64 {
	if l.MemoryBytes > 0 {
		return l.MemoryBytes
	}
	return DefaultLimits.MemoryBytes
}

// limit is a Limits field under ClickHouse's name.
type limit struct {
	Name string
	Max  int64
}

// Settings lists the limits under ClickHouse's names; a field that is not set
// takes its default.
func (l Limits) Settings() []limit {
	or := func(value, otherwise int64) int64 {
		if value > 0 {
			return value
		}
		return otherwise
	}
	d := DefaultLimits
	return []limit{
		{"max_execution_time", or(int64(l.Seconds), int64(d.Seconds))},
		{"max_memory_usage", l.memory()},
		{"max_rows_to_read", or(l.RowsToRead, d.RowsToRead)},
		{"max_result_rows", or(l.ResultRows, d.ResultRows)},
		{"max_result_bytes", or(l.ResultBytes, d.ResultBytes)},
	}
}
