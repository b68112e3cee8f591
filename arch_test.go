package nightjar

import (
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// layers says what each package may import of ours. A new package fails the
// test until somebody says here where it stands.
var layers = map[string][]string{
	// ground
	"schema":            {},
	"schema/vocabulary": {"schema"},
	"api/v1":            {},
	"content":           {},
	"wal":               {},
	"clickhouse":        {},
	// language
	"secl":                      {},
	"secl/sql":                  {"schema", "secl", "compiler/search"},
	"ingest/pipeline/value":     {"schema"},
	"ingest/pipeline/weburl":    {"ingest/pipeline/value"},
	"ingest/pipeline/useragent": {"ingest/pipeline/value"},
	"ingest/pipeline/grok":      {"schema", "ingest/times", "ingest/pipeline/value", "ingest/pipeline/weburl", "ingest/pipeline/useragent"},
	"secl/pcap":                 {},
	"secl/vars":                 {"secl"},
	"secl/event":                {"secl", "secl/vars"},
	"secl/policy":               {"secl", "secl/vars", "secl/pcap"},
	"secl/ruleset":              {"secl", "secl/vars", "secl/policy"},
	"secl/conformance":          {"secl", "secl/vars", "secl/event", "secl/policy", "secl/ruleset"},
	"secl/lint":                 {"secl", "secl/policy"},
	"secl/testcase":             {"secl", "secl/event", "secl/policy", "secl/ruleset"},
	// core
	"objects":                {"schema"},
	"objects/objectstest":    {"objects"},
	"anomaly":                {},
	"anomaly/content":        {},
	"anomaly/plot":           {"anomaly"},
	"compiler":               {"schema", "compiler/search", "compiler/template", "anomaly/content"},
	"compiler/rulecheck":     {"schema", "compiler"},
	"compiler/search":        {"schema"},
	"compiler/template":      {"schema"},
	"scheduler/detect":       {"schema", "compiler", "anomaly", "anomaly/content"},
	"scheduler/explain":      {"schema", "compiler", "scheduler/detect"},
	"scheduler":              {"schema", "objects", "compiler", "compiler/template", "scheduler/detect", "scheduler/explain", "compiler/rulecheck"},
	"scheduler/backtest":     {"schema", "objects", "compiler", "scheduler", "scheduler/detect", "compiler/rulecheck"},
	"scheduler/reference":    {"schema", "compiler"},
	"agent/control":          {"schema", "wal", "objects", "configuration", "secl", "secl/event", "secl/policy", "agent/orders"},
	"scheduler/reach":        {"schema", "compiler", "compiler/search"},
	"configuration":          {"schema", "objects", "compiler", "compiler/search", "configuration/outbound"},
	"configuration/outbound": {},
	"configuration/inbound":  {},
	// edges: pipelines
	"ingest/pipeline":            {"schema", "compiler/search", "ingest/auditd", "ingest/record", "ingest/times", "ingest/heads", "ingest/pipeline/grok", "ingest/pipeline/value", "ingest/pipeline/weburl", "ingest/pipeline/useragent"},
	"ingest/pipeline/registry":   {"schema", "objects", "ingest", "ingest/record", "ingest/pipeline"},
	"ingest/pipeline/lookups":    {"schema", "scheduler/reference", "ingest/pipeline"},
	"ingest/pipeline/sampletest": {"schema", "ingest", "ingest/pipeline"},

	// edges
	"migrations":            {"schema", "clickhouse"},
	"retention":             {"schema", "objects", "clickhouse"},
	"ingest/geoip":          {"schema"},
	"ingest/record":         {"schema", "ingest/pipeline/value"},
	"ingest/times":          {"schema"},
	"ingest/heads":          {"ingest/times"},
	"ingest":                {"schema", "wal", "ingest/flowlog", "ingest/w3c", "ingest/record", "ingest/times", "ingest/heads"},
	"ingest/profile":        {"schema"},
	"ingest/intel":          {"schema"},
	"ingest/reparse":        {"schema", "objects", "compiler/search"},
	"ingest/intel/feeds":    {"schema", "objects", "configuration", "configuration/outbound", "scheduler/reference", "ingest/intel"},
	"ingest/evtx":           {},
	"ingest/auditd":         {},
	"ingest/flowlog":        {"schema"},
	"ingest/w3c":            {"schema"},
	"ingest/files":          {"ingest/evtx", "ingest/auditd", "ingest/flowlog", "ingest/w3c"},
	"ingest/elastic":        {"schema", "ingest"},
	"ingest/hec":            {"schema", "ingest"},
	"ingest/syslog":         {"schema", "ingest", "configuration/inbound"},
	"ingest/wire":           {},
	"ingest/otlp":           {"schema", "ingest", "ingest/wire"},
	"ingest/loki":           {"schema", "ingest", "ingest/wire"},
	"ingest/journal":        {"schema", "ingest"},
	"ingest/kubeaudit":      {"ingest"},
	"ingest/clickhouse":     {"schema", "clickhouse", "ingest"},
	"backup":                {"schema", "migrations", "ingest", "wal"},
	"scheduler/clickhouse":  {"schema", "objects", "clickhouse", "compiler", "compiler/search", "scheduler", "scheduler/backtest", "scheduler/reference", "scheduler/detect"},
	"scheduler/ruletest":    {"schema", "compiler", "scheduler", "scheduler/reference", "ingest", "ingest/files", "scheduler/detect", "compiler/rulecheck"},
	"api/access":            {"schema", "objects", "wal", "api/access/audit"},
	"api/access/service":    {"schema", "compiler/search", "api/v1", "api/access", "api/access/audit", "api/access/signin"},
	"api/access/calls":      {"api/access", "api/v1"},
	"api/access/audit":      {"schema", "wal"},
	"api/access/clickhouse": {"schema", "clickhouse", "compiler/search", "api/access/audit"},
	"api/access/signin":     {"schema", "objects", "wal"},

	// api
	"api":                        {"schema", "objects", "api/v1", "api/access"},
	"api/codec":                  {"schema", "api", "api/v1"},
	"api/limits":                 {"api", "api/access"},
	"api/ruledoc":                {"schema", "api", "api/codec", "api/v1"},
	"api/sqlguard":               {"schema", "schema/vocabulary", "api"},
	"api/terraform":              {"configuration", "schema", "api/ruledoc"},
	"api/services/agents":        {"secl", "agent/control", "agent/orders", "configuration", "objects", "schema", "api", "api/codec", "api/v1", "api/access"},
	"api/services/backtests":     {"compiler", "scheduler", "scheduler/backtest", "scheduler/detect", "schema", "api", "api/limits", "api/ruledoc", "api/v1", "api/services/signals"},
	"api/services/events":        {"compiler/search", "schema", "schema/vocabulary", "api", "api/codec", "api/limits", "api/sqlguard", "api/v1"},
	"content/attack":             {},
	"content/demo":               {"content"},
	"api/services/authoring":     {"configuration", "content", "content/attack", "objects", "scheduler", "scheduler/ruletest", "compiler/rulecheck", "schema", "api", "api/codec", "api/limits", "api/ruledoc", "api/v1", "api/services/rules"},
	"api/services/views":         {"configuration", "content", "content/demo", "objects", "schema", "api", "api/access", "api/codec", "api/v1", "api/services/events", "api/services/rules", "api/services/signals"},
	"api/services/facets":        {"compiler/search", "scheduler/reference", "schema", "schema/vocabulary", "api", "api/limits", "api/v1", "api/services/events"},
	"api/services/notifications": {"configuration", "configuration/outbound", "objects", "schema", "api", "api/codec", "api/v1"},
	"api/services/operations":    {"agent/control", "compiler", "compiler/search", "configuration", "configuration/outbound", "objects", "scheduler", "schema", "api", "api/access", "api/codec", "api/limits", "api/v1"},
	"api/services/pipelines":     {"configuration", "content", "ingest/pipeline", "ingest/pipeline/registry", "ingest/pipeline/sampletest", "objects", "schema", "schema/vocabulary", "api", "api/codec", "api/limits", "api/v1", "api/services/events"},
	"api/services/rehearsals":    {"agent/control", "agent/deny", "agent/rehearsal", "agent/rehearsal/stored", "agent/respond", "compiler/search", "configuration", "objects", "schema", "secl/event", "secl/policy", "api", "api/access", "api/codec", "api/v1", "api/services/events"},
	"api/services/responses":     {"agent/orders", "agent/responses", "compiler/search", "schema", "api", "api/v1", "api/access", "api/services/events"},
	"api/services/rules":         {"compiler", "compiler/search", "configuration", "objects", "scheduler", "schema", "api", "api/codec", "api/limits", "api/ruledoc", "api/terraform", "api/v1", "scheduler/backtest", "scheduler/explain", "compiler/rulecheck"},
	"api/services/signals":       {"secl", "compiler", "scheduler/detect", "configuration", "objects", "scheduler", "scheduler/explain", "scheduler/reference", "api/services/notifications", "api/services/rules", "schema", "api", "api/codec", "api/limits", "api/v1"},
	"api/services/tables":        {"scheduler/reference", "schema", "api", "api/codec", "api/limits", "api/v1"},
	"api/rest":                   {"api", "api/codec", "api/limits", "api/v1", "api/access"},
	"web":                        {},
	"api/server":                 {"agent/control", "web", "agent/responses", "configuration", "configuration/outbound", "ingest/pipeline/registry", "schema", "api", "api/codec", "api/limits", "api/rest", "api/v1", "scheduler/ruletest", "api/services/authoring", "api/services/agents", "api/services/backtests", "api/services/events", "api/services/facets", "api/services/notifications", "api/services/operations", "api/services/pipelines", "api/services/rehearsals", "api/services/responses", "api/services/rules", "api/services/signals", "api/services/tables", "api/services/views", "api/access", "api/access/calls", "api/access/service", "compiler/rulecheck"},
	"api/clickhouse":             {"clickhouse", "compiler/search", "schema", "api", "api/services/authoring", "api/services/events", "api/services/facets", "api/services/rules", "api/services/operations", "api/services/signals"},

	// edges
	"agent/client":           {"wal", "agent/orders", "agent/delivery"},
	"agent/delivery":         {"schema", "wal", "agent", "agent/probe"},
	"agent/orders":           {},
	"agent/responses":        {"schema", "objects", "agent/orders"},
	"agent/abi":              {},
	"agent/rehearsal":        {"schema", "secl/event", "secl/policy", "agent/respond"},
	"agent/rehearsal/stored": {"schema", "compiler/search", "secl/event", "secl/policy", "secl/sql", "agent/rehearsal"},
	"agent/evidence":         {"secl", "secl/event", "secl/policy", "secl/ruleset", "agent/respond"},
	"agent/bpf":              {},
	"agent/probe":            {"agent/abi", "agent/bpf"},
	"agent/process":          {"agent/bpf", "secl/event"},
	"agent/deny":             {"secl", "secl/event", "secl/pcap", "secl/policy", "agent/bpf", "agent/probe", "agent/process"},
	"agent/decode":           {"agent/abi", "agent/bpf", "agent/process", "secl/event"},
	"agent/command":          {"wal", "agent/orders", "agent/process", "agent/respond", "secl/event"},
	"agent/respond":          {"agent/bpf", "secl", "secl/event", "secl/policy", "secl/ruleset", "agent/process"},
	"agent":                  {"schema", "secl", "secl/vars", "secl/event", "secl/policy", "secl/ruleset", "agent/bpf", "agent/probe", "agent/process", "agent/decode", "agent/deny", "agent/evidence", "agent/respond"},
	"notify":                 {"schema", "objects", "compiler/search", "configuration", "scheduler"},
	"notify/sink":            {"schema", "configuration", "configuration/outbound", "notify"},
	"notify/clickhouse":      {"schema", "clickhouse", "scheduler", "notify"},
	// entry
	"cmd/nightjar":     {"cmd/nightjar/cli"},
	"cmd/nightjar/cli": {"*"},
	"engine":           {"*"}, // but cmd
	"agent/kerneltest": {},
	"agent/bench":      {},
	"web/fill":         {"api/clickhouse", "clickhouse", "ingest/clickhouse", "migrations", "schema"},
	// tests only
	"e2e":                 {},
	"testenv":             {"clickhouse"},
	"scheduler/oracle":    {"schema", "compiler/search", "anomaly"},
	"testenv/gate":        {},
	"ingest/ingesttest":   {"schema", "ingest", "ingest/pipeline"},
	"compiler/searchtest": {"schema", "compiler/search", "ingest/clickhouse", "testenv"},
	"compiler/bench":      {},
	"anomaly/bench":       {"anomaly"},
	"secl/bench":          {},
	"secl/secltest":       {"secl", "secl/event"},
}

// testsOnly are packages that only tests import: they may use each other.
var testsOnly = []string{"testenv", "scheduler/oracle", "ingest/ingesttest", "compiler/searchtest"}

// onlyIn says which packages may import a module of others.
var onlyIn = map[string][]string{
	"go.uber.org/fx":               {"engine"},
	"go.uber.org/dig":              {"engine"},
	"github.com/spf13/cobra":       {"cmd/nightjar/cli"},
	"github.com/ebitengine/purego": {"clickhouse"},
	"github.com/ClickHouse/clickhouse-go": {
		"clickhouse", "migrations", "retention", "backup", "ingest/clickhouse", "ingest/reparse", "notify/clickhouse", "scheduler/clickhouse", "api/clickhouse", "api/access/clickhouse", "engine", "cmd/nightjar/cli", "testenv", "compiler/searchtest", "web/fill",
	},
	"code.dny.dev/ssrf":                    {"configuration/outbound"},
	"github.com/cilium/ebpf":               {"agent/bpf", "agent/probe", "agent/deny"},
	"github.com/oschwald/maxminddb-golang": {"ingest/geoip"},
	"github.com/expr-lang/expr":            {}, // for comparison, in tests
	"cel.dev/cel-go":                       {},
	"github.com/leodido/go-syslog":         {"ingest/syslog"},
	"github.com/ClickHouse/ch-go":          {"ingest/clickhouse"},
	"google.golang.org/grpc":               {"api", "api/v1", "api/server", "api/access/calls", "ingest/otlp", "engine"},
}

type goPackage struct {
	ImportPath                         string
	Imports, TestImports, XTestImports []string
}

func packages(t *testing.T) []goPackage {
	t.Helper()
	out, err := exec.Command("go", "list", "-json=ImportPath,Imports,TestImports,XTestImports", "./...").Output()
	if err != nil {
		t.Fatal(err)
	}
	var list []goPackage
	for d := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p goPackage
		if err := d.Decode(&p); errors.Is(err, io.EOF) {
			return list
		} else if err != nil {
			t.Fatal(err)
		}
		list = append(list, p)
	}
}

func TestPackagesImportOnlyWhatStandsBelowThem(t *testing.T) {
	seen := 0
	for _, p := range packages(t) {
		name := strings.TrimPrefix(p.ImportPath, "nightjar/")
		if name == "nightjar" {
			continue
		}
		seen++
		allowed, known := layers[name]
		if !known {
			t.Errorf("package %s stands nowhere: add it to layers", name)
			continue
		}
		for _, i := range p.Imports {
			ours, isOurs := strings.CutPrefix(i, "nightjar/")
			if isOurs && slices.Contains(testsOnly, ours) && !slices.Contains(testsOnly, name) {
				t.Errorf("%s imports %s, which is for tests", name, ours)
			}
			if isOurs && !slices.Contains(allowed, ours) && !slices.Contains(allowed, "*") {
				t.Errorf("%s imports %s, which does not stand below it", name, ours)
			}
			for module, where := range onlyIn {
				if (i == module || strings.HasPrefix(i, module+"/")) && !slices.Contains(where, name) {
					t.Errorf("%s imports %s, which belongs to %s", name, i, strings.Join(where, ", "))
				}
			}
		}
	}
	if seen != len(layers) {
		t.Errorf("layers has %d packages, the module %d: one of them is gone", len(layers), seen)
	}
}

// TestTheClockIsReadAtTheEdgesOnly holds that evaluation takes time as an
// argument: the scheduler's pacing and the wiring are the only readers.
func TestTheClockIsReadAtTheEdgesOnly(t *testing.T) {
	out, err := exec.Command("grep", "-rlE", `time\.(Now|Since|Until)\(`, "--include=*.go", "compiler", "schema", "anomaly", "secl", "scheduler/detect", "scheduler/explain").Output()
	var exit *exec.ExitError
	if err != nil && (!errors.As(err, &exit) || exit.ExitCode() != 1) {
		t.Fatal(err)
	}
	for _, file := range strings.Fields(string(out)) {
		if !strings.HasSuffix(file, "_test.go") {
			t.Errorf("%s reads the clock: take the time as an argument", file)
		}
	}
}

// TestDetectionIsPure holds that what finds signals in matches is a function of them: it
// waits for nothing and asks nobody.
func TestDetectionIsPure(t *testing.T) {
	for _, p := range packages(t) {
		if p.ImportPath != "nightjar/scheduler/detect" {
			continue
		}
		for _, path := range p.Imports {
			if slices.Contains([]string{"context", "os", "io", "net", "net/http", "sync", "database/sql"}, path) {
				t.Errorf("%s imports %s", p.ImportPath, path)
			}
		}
		return
	}
	t.Error("there is no package scheduler/detect")
}

// TestRulesAreCheckedInOnePlace holds that nobody but compiler/rulecheck compiles a rule
// that was not accepted before, so that nothing decides otherwise what a valid rule is.
func TestRulesAreCheckedInOnePlace(t *testing.T) {
	out, err := exec.Command("grep", "-rlE", `compiler\.Compile\(`, "--include=*.go", "--exclude-dir=node_modules", ".").Output()
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	for _, file := range strings.Fields(string(out)) {
		switch {
		case strings.HasPrefix(file, "./compiler/rulecheck/"):
			found++
		case !strings.HasSuffix(file, "_test.go"):
			t.Errorf("%s compiles a rule: ask rulecheck.Check", file)
		}
	}
	if found == 0 {
		t.Error("compiler/rulecheck compiles no rule")
	}
}
