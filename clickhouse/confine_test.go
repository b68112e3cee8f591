package clickhouse_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	ch "github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"nightjar/clickhouse"
	"nightjar/testenv"
)

// refusal runs a query that must not work, and returns what the server said.
func refusal(t *testing.T, conn driver.Conn, query string) string {
	t.Helper()
	rows, err := conn.Query(t.Context(), query)
	if err == nil {
		for rows.Next() {
		}
		err = rows.Err()
		rows.Close()
	}
	if err == nil {
		t.Errorf("it was answered: %s", query)
		return ""
	}
	var said *ch.Exception
	if !errors.As(err, &said) {
		t.Errorf("the server did not refuse it, something broke: %s: %v", query, err)
	}
	return err.Error()
}

// as opens a connection of another user to the test's server.
func as(t *testing.T, user string) driver.Conn {
	options := testenv.Server(t).Options(clickhouse.Role(user))
	return testenv.Open(t, options)
}

// requireConfined skips the test where the kernel cannot confine the server.
func requireConfined(t *testing.T) {
	t.Helper()
	if testenv.Server(t).Confined() {
		return
	}
	if err := clickhouse.CanConfine(); err != nil {
		t.Skipf("needs root or another kernel: %v", err)
	}
	t.Fatal("the kernel has Landlock and the server is not confined")
}

func TestNoUserReadsTheMachinesFiles(t *testing.T) {
	requireConfined(t)
	secret := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(secret, []byte("secret"), 0o644); err != nil {
		t.Fatal(err)
	}
	link := filepath.Join(t.TempDir(), "link")
	if err := os.Symlink("/etc/passwd", link); err != nil {
		t.Fatal(err)
	}
	paths := []string{"/etc/passwd", "/etc/shadow", "/etc/hostname", secret, link, "/root/.profile", "/home", "/var/log/dpkg.log",
		"/usr/../etc/passwd", "/proc/1/cmdline", "/proc/self/root/etc/passwd", "/proc/self/cwd/../../../../../etc/passwd",
		fmt.Sprintf("/proc/%d/environ", os.Getpid()), fmt.Sprintf("/proc/%d/cmdline", os.Getpid()), os.Args[0] + "/../" + filepath.Base(os.Args[0]) + "x"}
	for _, user := range []string{"default", "nightjar", "analyst"} {
		conn := as(t, user)
		for _, path := range paths {
			if said := refusal(t, conn, "SELECT length(file('"+path+"'))"); !strings.Contains(said, "Permission denied") && !strings.Contains(said, "doesn't exist") && !strings.Contains(said, "No such file") {
				t.Errorf("%s, file('%s'): %s", user, path, said)
			}
		}
	}
	// The same function does read what it may, so it is not broken altogether.
	if n := one[uint64](t, as(t, "nightjar"), "SELECT length(file('/proc/self/status'))"); n == 0 {
		t.Error("/proc/self/status is empty")
	}
}

func TestServerWritesOnlyItsOwnFiles(t *testing.T) {
	requireConfined(t)
	target := filepath.Join(t.TempDir(), "written.csv")
	conn := testenv.ClickHouse(t)
	err := conn.Exec(t.Context(), "INSERT INTO FUNCTION file('"+target+"', 'CSV', 'a String') VALUES ('x')")
	if err == nil {
		t.Error("the server wrote outside of its folder")
	}
	if _, err := os.Stat(target); err == nil {
		t.Error("the file is there")
	}
}

func TestServerReachesNobody(t *testing.T) {
	server := testenv.Server(t)
	if !server.Private() {
		t.Skip("needs root or another kernel: the server has no network of its own")
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	called := make(chan struct{}, 100)
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			called <- struct{}{}
			conn.Close()
		}
	}()
	conn := testenv.ClickHouse(t)
	refusal(t, conn, fmt.Sprintf("SELECT * FROM url('http://%s/', 'CSV', 'a String') SETTINGS http_max_tries = 1", listener.Addr()))
	select {
	case <-called:
		t.Error("the server called out")
	default:
	}
}

func TestNobodyReachesAPrivateServer(t *testing.T) {
	server := testenv.Server(t)
	if !server.Private() {
		t.Skip("needs root or another kernel: the server has no network of its own")
	}
	conn, err := net.DialTimeout("tcp", server.Addr(), time.Second)
	if err == nil {
		conn.Close()
		t.Errorf("%s is open to the machine", server.Addr())
	}
}

func TestAnalystReadsItsTablesAndNothingElse(t *testing.T) {
	admin := testenv.ClickHouse(t)
	for _, query := range []string{
		"CREATE TABLE events (a String) ENGINE = MergeTree ORDER BY a",
		"INSERT INTO events VALUES ('seen')",
		"CREATE DATABASE IF NOT EXISTS hidden",
		"CREATE TABLE IF NOT EXISTS hidden.events (a String) ENGINE = MergeTree ORDER BY a",
		"INSERT INTO hidden.events VALUES ('unseen')",
	} {
		if err := admin.Exec(t.Context(), query); err != nil {
			t.Fatal(err)
		}
	}
	t.Cleanup(func() { admin.Exec(context.Background(), "DROP DATABASE hidden SYNC") })
	database := one[string](t, admin, "SELECT currentDatabase()")
	analyst := as(t, "analyst")

	if got := one[string](t, analyst, "SELECT a FROM "+database+".events"); got != "seen" {
		t.Errorf("read %q", got)
	}
	// These look before they ask for the right to, and find nothing either way.
	refusal(t, analyst, "SELECT * FROM merge('hidden', '.*')")
	refusal(t, analyst, "SELECT * FROM sqlite('/etc/passwd', 'b')")
	for _, query := range []string{
		"SELECT * FROM hidden.events",
		"SELECT * FROM view(SELECT * FROM hidden.events)",
		"SELECT * FROM loop(hidden.events)",
		"SELECT * FROM mergeTreeIndex('hidden', 'events')",
		"SELECT name FROM system.users",
		"SELECT * FROM system.grants",
		"SELECT * FROM system.processes",
		"SELECT * FROM system.errors",
		"SELECT * FROM system.server_settings",
		"SELECT * FROM system.parts",
		"SELECT * FROM url('http://127.0.0.1:1/', 'CSV', 'a String')",
		"SELECT * FROM remote('127.0.0.1:9000', 'system', 'one')",
		"SELECT * FROM file('users.xml', 'LineAsString')",
		"SELECT * FROM s3('http://127.0.0.1:1/bucket/key', 'CSV', 'a String')",
		"SELECT * FROM executable('id', 'CSV', 'a String')",
		"SELECT * FROM mysql('127.0.0.1:1', 'a', 'b', 'c', 'd')",
		"SELECT * FROM filesystem('/')",
		"INSERT INTO " + database + ".events VALUES ('new')",
		"ALTER TABLE " + database + ".events DELETE WHERE 1",
		"DROP TABLE " + database + ".events",
		"CREATE TABLE " + database + ".more (a String) ENGINE = Memory",
		"CREATE TEMPORARY TABLE more (a String)",
		"CREATE USER more",
		"GRANT ALL ON *.* TO analyst",
		"SYSTEM SHUTDOWN",
		"SYSTEM STOP LISTEN TCP",
		"KILL QUERY WHERE 1",
		"BACKUP TABLE " + database + ".events TO File('x')",
		"SET readonly = 0",
	} {
		said := refusal(t, analyst, query)
		if !strings.Contains(said, "Not enough privileges") && !strings.Contains(said, "readonly") && !strings.Contains(said, "Cannot execute query in readonly mode") {
			t.Errorf("refused for another reason: %s: %s", query, said)
		}
	}
}

func TestAnalystCannotLiftItsLimits(t *testing.T) {
	analyst := as(t, "analyst")
	for _, limit := range []string{"max_execution_time", "max_memory_usage", "max_rows_to_read", "max_result_rows", "max_result_bytes"} {
		own := one[string](t, analyst, "SELECT value FROM system.settings WHERE name = '"+limit+"'")
		if own == "0" || own == "" {
			t.Errorf("%s is %q", limit, own)
		}
		for _, value := range []string{"0", own + "0", "-1"} {
			refusal(t, analyst, "SELECT 1 SETTINGS "+limit+" = "+value)
		}
		one[uint8](t, analyst, "SELECT 1 SETTINGS "+limit+" = "+own)
	}
	for _, setting := range []string{"readonly = 0", "readonly = 2", "allow_ddl = 0", "result_overflow_mode = 'break'", "timeout_overflow_mode = 'break'",
		"read_overflow_mode = 'break'", "max_execution_time_leaf = 1", "allow_introspection_functions = 1"} {
		refusal(t, analyst, "SELECT 1 SETTINGS "+setting)
	}
	if said := refusal(t, analyst, "SELECT sleepEachRow(1) FROM numbers(10) SETTINGS max_execution_time = 1, max_block_size = 1"); !strings.Contains(said, "readonly") && !strings.Contains(said, "TIMEOUT") {
		t.Error(said)
	}
	if said := refusal(t, analyst, "SELECT number FROM numbers(2000000)"); !strings.Contains(said, "Limit for result exceeded") {
		t.Error(said)
	}
}

// The server has no capability, can get none, and its system calls are filtered.
func TestServerHasNoRightsButItsFiles(t *testing.T) {
	server := testenv.Server(t)
	requireConfined(t)
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", server.Pid()))
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{"CapInh": "0000000000000000", "CapPrm": "0000000000000000", "CapEff": "0000000000000000", "CapAmb": "0000000000000000", "NoNewPrivs": "1", "Seccomp": "2", "Seccomp_filters": "2"}
	if os.Geteuid() == 0 {
		want["CapBnd"] = "0000000000000000"
	}
	found := 0
	for line := range strings.SplitSeq(string(text), "\n") {
		name, value, _ := strings.Cut(line, ":")
		if w, ok := want[name]; ok {
			if found++; strings.TrimSpace(value) != w {
				t.Errorf("%s is %s, want %s", name, strings.TrimSpace(value), w)
			}
		}
	}
	if found < len(want)-1 { // an older kernel does not count filters
		t.Errorf("found %d of %v", found, want)
	}
}
