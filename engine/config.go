package engine

import (
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"sort"
	"strconv"
	"strings"
	"time"

	"github.com/knadh/koanf/parsers/yaml"
	"github.com/knadh/koanf/providers/file"
	"github.com/knadh/koanf/v2"
	"github.com/spf13/pflag"

	"nightjar/configuration"
	"nightjar/configuration/inbound"
	"nightjar/configuration/outbound"
	"nightjar/ingest"
	"nightjar/ingest/elastic"
	"nightjar/ingest/syslog"
	"nightjar/retention"
	"nightjar/scheduler"
	"nightjar/schema"
)

// setting is one thing that can be configured: by flag, by environment
// (NIGHTJAR_ and its name in capitals) or in the YAML file, in this order.
type setting struct {
	name, value, help string // name as a flag; value is the default
	list              bool   // several: repeated flags, a list in the file, cut at : in the environment
	cut               string // what a list in the environment is cut at, if not at :
	bare              string // what the flag without a value means; empty: it must have one
}

var settings = []setting{
	{name: "data-dir", value: "data", help: "folder that everything is kept in"},
	{name: "http", value: "127.0.0.1:8420", help: "address of the REST API and of senders of logs; gRPC is served there too"},
	{name: "allowed-host", list: true, cut: ",", help: "a name that requests may be for, in their Host header, beside localhost and the address of http; names of others are refused (421)"},
	{name: "grpc", value: "127.0.0.1:8421", help: "address of the gRPC API and of OTLP"},
	{name: "tls-cert", value: "", help: "serve both over TLS: the certificate, a PEM file, read anew when it changes; needed beyond loopback, unless allow-plaintext says otherwise"},
	{name: "tls-key", value: "", help: "the key of that certificate, a PEM file"},
	{name: "tls-client-ca", value: "", help: "a PEM file of authorities: who shows a certificate of theirs is let in as a shipper, or as an agent where its organizational unit is agent"},
	{name: "tls-require-client-cert", value: "false", bare: "true", help: "let keys of shippers and agents in together with such a certificate only"},
	{name: "allow-plaintext", value: "false", bare: "true", help: "serve them without TLS beyond loopback, as behind a proxy that ends TLS"},
	{name: "clickhouse", value: "", help: "ClickHouse server to use, as clickhouse://user:password@host:9000/database (default: an embedded one)"},
	{name: "clickhouse-analyst", value: "", help: "the same server as a read-only user, for ad hoc SQL (default: one is made)"},
	{name: "lateness", value: "24h", help: "how far an event may arrive behind its own time and still be evaluated (30m, 24h, 7d)"},
	{name: "silence-delay", value: "2m", help: "how far behind the clock it is judged that a group fell silent or that something did not follow; longer for sources that always come late (2m,cloudtrail=20m)"},
	{name: "pace", value: "500ms", help: "least time between two evaluations"},
	{name: "intake-quota", value: "4GiB", help: "disk for events that are acknowledged and not yet stored; senders are asked to wait (429) beyond"},
	{name: "intake-memory", value: "256MiB", help: "memory for requests that are being read; senders are asked to wait (429) beyond"},
	{name: "max-request", value: "32MiB", help: "largest body of an intake request, decompressed; larger ones are refused (413)"},
	{name: "elasticsearch-version", value: elastic.DefaultVersion, help: "version that senders to Elasticsearch are told; some refuse one that is older than themselves"},
	{name: "syslog-udp", value: "", help: "address that takes in syslog over UDP, such as 127.0.0.1:5514 (default: none)"},
	{name: "syslog-tcp", value: "", help: "the same over TCP"},
	{name: "syslog-tls", value: "", help: "the same over TLS"},
	{name: "syslog-allow", list: true, cut: ",", help: "a network whose hosts may send syslog, such as 10.0.0.0/8; needed beyond loopback, unless there is a syslog-tls-client-ca (default: whoever reaches the address)"},
	{name: "syslog-tls-cert", value: "", help: "the server's certificate for syslog-tls, a PEM file; read anew when it changes"},
	{name: "syslog-tls-key", value: "", help: "the key of that certificate, a PEM file"},
	{name: "syslog-tls-client-ca", value: "", help: "a PEM file of authorities: senders over TLS must show a certificate of theirs"},
	{name: "syslog-tz", value: "UTC", help: "the zone of syslog's times that are written without one, such as Europe/Berlin or +02:00"},
	{name: "syslog-connections", value: "1000", help: "connections of syslog over TCP, and as many over TLS; more are refused"},
	{name: "syslog-idle", value: "1h", help: "how long such a connection may be silent before it is closed"},
	{name: "max-queries", value: "0", help: "searches and ad hoc queries of people that run at once; more wait a moment and are refused then (429); at most 64 (0: two for each processor, up to 24)"},
	{name: "retention", value: "events=90d,signals=15mo,matches=35d,responses=15mo", help: "how long to keep what: events and matches by arrival, signals since they were last seen, responses since they ended; notifications stay as long as their signals; matches are the state of rules and stay as long as they are needed in any case. An administrator can change it while the engine runs (nightjar retention), which holds instead"},
	{name: "disk-quota", value: "0", help: "disk that everything stored may take, such as 50GB; the oldest days of events go when it is used up (0: no quota); an administrator can change it too"},
	{name: "agent", value: "", bare: "true", help: "watch this host: run an agent beside the engine, as root on Linux 5.10 or newer (default: with --demo only)"},
	{name: "agent-policy", list: true, help: "a policy file for that agent (default: the one that ships)"},
	{name: "geoip", list: true, help: GeoIPHelp},
	{name: "public-url", value: "", help: "what links in notifications begin with, such as https://nightjar.example (default: the address of http)"},
	{name: "outbound-proxy", value: "", help: "a proxy for the requests that the engine sends of its own accord (threat lists), such as http://proxy:3128"},
	{name: "outbound-ca", value: "", help: "a PEM file of authorities that those requests trust, beside the system's"},
	{name: "outbound-host", list: true, cut: ",", help: "a host that those requests may reach, such as feeds.example or *.intel.example (default: any)"},
	{name: "outbound-secret", list: true, cut: ",", help: "where a secret of yours may be sent, as NAME=ADDRESS: an address and all below it, such as soc=https://hooks.example/soc, soc=https://*.example or mail=smtps://mail.example:587 (smtp:// where it may go without TLS too); once more for another address. Then it goes nowhere else, and who may change targets and threat lists may name it; a secret of which nothing is said only administrators may name, and the configuration file"},
	{name: "outbound-private", list: true, cut: ",", help: "a network that they may reach although it is private, such as 10.1.2.0/24; else loopback, link-local, private and other special addresses are refused"},
	{name: "allow-private-targets", value: "false", bare: "true", help: "let them reach all of those"},
	{name: "rate-limit", value: "2000", help: "calls a second that each key may make, twice as many at once; more are asked to wait (429); keys may have a rate of their own (0: no limit)"},
	{name: "audit-events", value: "refusal,sign-in,keys,deletion,response", help: "what of the audit log becomes events of source:nightjar-audit, for searches and rules; change and sql may be added, which then count among the events that they are about"},
	{name: "oidc-issuer", value: "", help: "an OpenID Connect provider by which people sign in to the page, such as https://login.example"},
	{name: "oidc-client-id", value: "", help: "what the provider calls this engine; it sends people back to PUBLIC-URL/api/nightjar/v1/oidc/callback"},
	{name: "oidc-client-secret", value: "", help: "the secret that it gave, as secret:NAME (default: none; PKCE is used in any case)"},
	{name: "oidc-groups-claim", value: "groups", help: "the claim that has a person's groups"},
	{name: "oidc-role", list: true, cut: ",", help: "a group of the provider and the role of its people, such as soc=analyst; who is in several has the mightiest, who is in none is refused"},
	{name: "oidc-scope", list: true, cut: ",", help: "what is asked for beside openid, profile and email, where groups need it"},
	{name: "backup-to", value: "", help: "where a ClickHouse server of yours puts backups, such as Disk('backups', '{name}')"},
	{name: "log-level", value: "info", help: "debug, info, warn or error"},
	{name: "open-metrics", value: "false", help: "serve /metrics without the key"},
	{name: "api-key-file", value: "", help: "a file with the key of the API, which nobody else may read"},
	{name: "api-key", value: "", help: "the key of the API, at least 32 characters; better in the environment or a file, since flags are seen by everybody on the host (default: made at the first start, in DATA-DIR/api-key, which nobody else may read)"},
}

// Config is the configuration of the engine.
type Config struct {
	DataDir, HTTP, GRPC string
	Inbound             inbound.Config
	ClickHouse, Analyst string // DSNs; secret
	Lateness, Pace      time.Duration
	Silence             scheduler.SilenceDelays
	// Bytes.
	IntakeQuota, IntakeMemory, MaxRequest int64
	Syslog                                syslog.Config
	Retention                             retention.Policy
	AllowedHosts                          []string
	MaxQueries                            int
	GeoIP                                 []string // files
	BackupTo                              string   // may hold a secret
	LogLevel, ElasticVersion              string
	OpenMetrics                           bool
	APIKey                                string // secret; empty: read or made in the data folder
	KeyFrom                               string // the configuration file that it is in, if it is
	Access                                AccessConfig
	Outbound                              outbound.Config
	PublicURL                             string
	Targets                               []configuration.NotificationTarget // of the configuration file
	Demo                                  bool
	Version                               string   // of the program
	Agent                                 string   // beside the engine: "true", "false", or "" for with Demo only
	AgentPolicies                         []string // files
}

// AddFlags adds the settings to the flags of a command.
func AddFlags(flags *pflag.FlagSet) {
	for _, s := range settings {
		if help := s.help + "; " + EnvName(s.name); s.list {
			flags.StringArray(s.name, nil, help)
		} else {
			flags.String(s.name, s.value, help)
			flags.Lookup(s.name).NoOptDefVal = s.bare
		}
	}
	flags.String("config", "", "YAML file with these settings by name")
}

// EnvName is the variable of the environment that has a setting.
func EnvName(name string) string {
	return "NIGHTJAR_" + strings.ToUpper(strings.ReplaceAll(name, "-", "_"))
}

// ReadConfig merges flags, environment and file.
func ReadConfig(flags *pflag.FlagSet) (Config, error) {
	path, _ := flags.GetString("config")
	fromFile, targets, err := readConfigFile(path)
	if err != nil {
		return Config{}, err
	}
	values := map[string]string{}
	for _, s := range settings {
		values[s.name] = s.value
		if v, ok := fromFile[s.name]; ok {
			values[s.name] = v
		}
		if v, ok := os.LookupEnv(EnvName(s.name)); ok {
			values[s.name] = v
			if s.list {
				values[s.name] = joinList(s.split(v))
			}
		}
		if f := flags.Lookup(s.name); f != nil && f.Changed {
			values[s.name] = f.Value.String()
			if list, err := flags.GetStringArray(s.name); s.list && err == nil {
				values[s.name] = joinList(list)
			}
		}
	}
	c, err := parseConfig(values)
	if err != nil {
		return Config{}, err
	}
	if path := values["api-key-file"]; path != "" {
		if c.APIKey != "" {
			return Config{}, errors.New("api-key-file: there is an api-key too; want one of them")
		}
		if c.APIKey, err = ReadKey(path); err == nil {
			err = checkMode(path, 0o077, "chmod 600 "+path)
		}
		if err != nil {
			return Config{}, fmt.Errorf("api-key-file: %w", err)
		}
	}
	c.Targets = targets
	if c.APIKey != "" && values["api-key"] == fromFile["api-key"] {
		c.KeyFrom = path
	}
	return c, err
}

// parseSilenceDelay reads a duration and, behind it, those of sources: 2m,aws=20m.
func parseSilenceDelay(text string) (scheduler.SilenceDelays, error) {
	out := scheduler.SilenceDelays{BySource: map[string]time.Duration{}}
	for part := range strings.SplitSeq(text, ",") {
		source, value, named := strings.Cut(strings.TrimSpace(part), "=")
		if !named {
			source, value = "", source
		}
		delay, err := schema.ParseDuration(value)
		switch {
		case err == nil && delay <= 0:
			err = errors.New("it is judged behind the clock: want more than 0")
		case err == nil && named && source == "":
			err = errors.New("want a source before the =")
		}
		if err != nil {
			return out, fmt.Errorf("silence-delay: %q: %w", part, err)
		}
		if named {
			out.BySource[source] = delay
		} else {
			out.Default = delay
		}
	}
	return out, nil
}

// split is the list that a variable of the environment holds.
func (s setting) split(v string) []string {
	if s.cut == "" {
		return filepath.SplitList(v)
	}
	return strings.Split(v, s.cut)
}

// joinList is a list as one value; no path contains a NUL.
func joinList(list []string) string { return strings.Join(list, "\x00") }

func splitList(s string) []string {
	if s == "" {
		return nil
	}
	return strings.Split(s, "\x00")
}

func parseConfig(values map[string]string) (c Config, err error) {
	c = Config{
		DataDir: values["data-dir"], HTTP: values["http"], GRPC: values["grpc"],
		ClickHouse: values["clickhouse"], Analyst: values["clickhouse-analyst"],
		LogLevel: values["log-level"], ElasticVersion: values["elasticsearch-version"], APIKey: values["api-key"], BackupTo: values["backup-to"],
		GeoIP: splitList(values["geoip"]), AllowedHosts: splitList(values["allowed-host"]), AgentPolicies: splitList(values["agent-policy"]),
	}
	if c.Inbound, err = parseInbound(values); err != nil {
		return Config{}, err
	}
	if c.Lateness, err = schema.ParseDuration(values["lateness"]); err != nil {
		return Config{}, fmt.Errorf("lateness: %w", err)
	}
	if c.Silence, err = parseSilenceDelay(values["silence-delay"]); err != nil {
		return Config{}, err
	}
	if c.Lateness <= 0 {
		return Config{}, errors.New("lateness: must be more than zero")
	}
	if c.Pace, err = schema.ParseDuration(values["pace"]); err != nil {
		return Config{}, fmt.Errorf("pace: %w", err)
	}
	for name, field := range map[string]*int64{"intake-quota": &c.IntakeQuota, "intake-memory": &c.IntakeMemory, "max-request": &c.MaxRequest} {
		if *field, err = schema.ParseSize(values[name]); err != nil || *field <= 0 {
			return Config{}, fmt.Errorf("%s: want a size such as 512MiB or 4GB, got %q", name, values[name])
		}
	}
	if c.Syslog, err = parseSyslog(values); err != nil {
		return Config{}, err
	}
	if c.MaxQueries, err = strconv.Atoi(values["max-queries"]); err != nil || c.MaxQueries < 0 || c.MaxQueries > 64 {
		return Config{}, fmt.Errorf("max-queries: want a number from 0 to 64, got %q", values["max-queries"])
	}
	if c.MaxQueries == 0 {
		c.MaxQueries = min(2*runtime.NumCPU(), 24)
	}
	if err = c.Retention.Parse(values["retention"]); err != nil {
		return Config{}, fmt.Errorf("retention: %w", err)
	}
	if c.Retention.DiskQuota, err = schema.ParseSize(values["disk-quota"]); err != nil {
		return Config{}, fmt.Errorf("disk-quota: %w", err)
	}
	if c.MaxRequest > 64<<20 {
		return Config{}, fmt.Errorf("max-request: at most 64MiB, got %s", values["max-request"])
	}
	if c.MaxRequest*ingest.MemoryFactor > c.IntakeMemory {
		return Config{}, fmt.Errorf("intake-memory: a request of max-request (%s) takes up to %d times as much while it is read, so at least that is needed, got %s", values["max-request"], ingest.MemoryFactor, values["intake-memory"])
	}
	if c.OpenMetrics, err = strconv.ParseBool(values["open-metrics"]); err != nil {
		return Config{}, fmt.Errorf("open-metrics: want true or false, got %q", values["open-metrics"])
	}
	if c.PublicURL = strings.TrimRight(values["public-url"], "/"); c.PublicURL != "" {
		if u, err := url.Parse(c.PublicURL); err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
			return Config{}, fmt.Errorf("public-url: want http:// or https:// and a host, got %q", values["public-url"])
		}
	}
	if c.Access, err = parseAccess(values); err != nil {
		return Config{}, err
	}
	if c.Outbound, err = parseOutbound(values); err != nil {
		return Config{}, err
	}
	if err := elastic.CheckVersion(c.ElasticVersion); err != nil {
		return Config{}, err
	}
	if c.Agent = values["agent"]; c.Agent != "" && c.Agent != "true" && c.Agent != "false" {
		return Config{}, fmt.Errorf("agent: want true or false, got %q", c.Agent)
	}
	if c.DataDir, err = filepath.Abs(c.DataDir); err != nil {
		return Config{}, fmt.Errorf("data-dir: %w", err)
	}
	return c, nil
}

// readConfigFile reads the YAML file: settings, and notification targets; another name is
// an error.
func readConfigFile(path string) (map[string]string, []configuration.NotificationTarget, error) {
	if path == "" {
		return nil, nil, nil
	}
	k := koanf.New("\x00") // names have no parts
	if err := k.Load(file.Provider(path), yaml.Parser()); err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return nil, nil, fmt.Errorf("config file %s does not exist", path)
		}
		return nil, nil, fmt.Errorf("read config file %s: %w", path, err)
	}
	var targets []configuration.NotificationTarget
	if k.Exists(targetsName) {
		var err error
		if targets, err = parseTargets(k.Get(targetsName)); err != nil {
			return nil, nil, fmt.Errorf("config file %s: %w", path, err)
		}
		k.Delete(targetsName)
	}
	out := map[string]string{}
	for name := range k.All() {
		if settingNamed(name) == nil {
			return nil, nil, fmt.Errorf("config file %s: unknown setting %q; there are %s", path, name, settingNames())
		}
		out[name] = k.String(name)
		if list := k.Strings(name); len(list) > 0 {
			if !settingNamed(name).list {
				return nil, nil, fmt.Errorf("config file %s: %s takes one value, not a list", path, name)
			}
			out[name] = joinList(list)
		}
	}
	return out, targets, nil
}

func settingNamed(name string) *setting {
	for i := range settings {
		if settings[i].name == name {
			return &settings[i]
		}
	}
	return nil
}

func settingNames() string {
	names := []string{targetsName}
	for _, s := range settings {
		names = append(names, s.name)
	}
	sort.Strings(names)
	return strings.Join(names, ", ")
}
