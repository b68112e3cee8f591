package e2e

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	// Imported for nothing but that results which are cached are those of this program.
	_ "nightjar/cmd/nightjar/cli"
	"nightjar/schema"
)

// The program's codes of exit.
const (
	exitOK      = 0
	exitFailure = 1
	exitUsage   = 2
)

// What the program's users know of it by its documentation.
const (
	clockVariable    = "NIGHTJAR_TEST_CLOCK" // names a file that moves the program's clock
	keyFile          = "api-key"             // in the data folder
	folderStateFile  = "state.json"          // in the data folder
	databaseName     = "nightjar"            // in ClickHouse
	agentWatches     = "watching"            // what an agent says when it sees events
	backupPath       = "/api/nightjar/v1/backup"
	rulesPath        = "/api/nightjar/v1/rules"
	suppressionsPath = "/api/v2/security_monitoring/configuration/suppressions"
	targetsPath      = "/api/nightjar/v1/notification-targets"
)

// agentDemoRules are the bundled rules that the demo of an agent sets off.
var agentDemoRules = []string{
	"rules/agent-shell-from-web-server.json", "rules/agent-cryptominer.json", "rules/agent-password-changed.json",
}

// signalFound is a signal as `backtest --output json` prints it.
type signalFound struct {
	Case      int           `json:"case"`
	Group     []string      `json:"group"`
	FirstSeen schema.Millis `json:"first_seen"`
	LastSeen  schema.Millis `json:"last_seen"`
	Severity  string        `json:"severity"`
	Events    uint64        `json:"events"`
}

// backtest is what a rule finds in a file of events that happened until a moment, as
// the command says. No pipeline changes them: they are in the program's own form.
func backtest(t testing.TB, rulePath, eventsPath string, until schema.Millis) ([]signalFound, error) {
	t.Helper()
	pipelines := t.TempDir()
	const none = "name: of nobody\nfilter: {query: 'source:nobody'}\nprocessors: []\n"
	if err := os.WriteFile(filepath.Join(pipelines, "none.yaml"), []byte(none), 0o600); err != nil {
		t.Fatal(err)
	}
	args := []string{"backtest", "--rule", rulePath, "--events", eventsPath, "--output", "json", "--pipelines", pipelines}
	if until != schema.MaxMillis {
		args = append(args, "--until", until.String())
	}
	stdout, stderr, code := nightjar(t, ".", args...)
	if code != exitOK {
		return nil, errors.New(stderr)
	}
	var signals []signalFound
	return signals, json.Unmarshal([]byte(stdout), &signals)
}

// readKey reads the key that an engine made in its data folder.
func readKey(t testing.TB, dataDir string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(dataDir, keyFile))
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(text))
}

// writeFile is a file of a text.
func writeFile(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}
